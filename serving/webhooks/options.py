"""What an operator may tune about webhooks, read once at the entry points of the API and of the job worker from
`AURORA_WEBHOOKS_…`.
"""

from __future__ import annotations

from ipaddress import IPv4Network, IPv6Network

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from serving.webhooks.addresses import AddressRules


class WebhookOptions(BaseSettings):
    """Where webhooks may go, and how much at once."""

    model_config = SettingsConfigDict(env_prefix="AURORA_WEBHOOKS_", env_file=".env", extra="ignore")

    per_person: int = Field(default=10, ge=1, description="Webhooks that a person may have")
    ports: tuple[int, ...] = Field(default=(443, 8443), description="Ports that a webhook may have")
    private_networks: tuple[IPv4Network | IPv6Network, ...] = Field(
        default=(),
        description="For development and tests: networks of your own that webhooks may go to as well, by http too "
        "and at any port",
    )
    refused_networks: tuple[IPv4Network | IPv6Network, ...] = Field(
        default=(),
        description="Public networks that webhooks may not go to, such as your own servers or your own NAT64 prefix",
    )

    at_once: int = Field(default=64, ge=2, description="Attempts at the same time of one job worker")
    at_once_each: int = Field(default=2, ge=1, description="Attempts at the same time of one webhook")
    timeout_seconds: float = Field(default=15.0, gt=0, le=45, description="An attempt is over by then")
    look_seconds: float = Field(
        default=2.0,
        gt=0,
        description="How often to look for what nobody knocked for, and for what is due again",
    )

    @property
    def rules(self) -> AddressRules:
        return AddressRules(frozenset(self.ports), self.private_networks, self.refused_networks)
