"""What an operator may tune about the API, read once at the entry point from `AURORA_API_…`.

Addresses and secrets are settings of the whole system (`aurora.settings`); these concern the API alone.
"""

from __future__ import annotations

from pathlib import Path

from pydantic import AliasChoices, Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from aurora.predictions.kept import KEPT_SECONDS
from serving.auth.passwords import MAX_COST
from serving.webhooks.options import WebhookOptions

MEBIBYTE = 1024 * 1024
HOUR_SECONDS = 3600
DEFAULT_BUFFER_BYTES = 512 * 1024
DEFAULT_SEND_SECONDS = 10.0


class ApiOptions(BaseSettings):
    """Limits, lifetimes and allow-lists of the API."""

    model_config = SettingsConfigDict(
        env_prefix="AURORA_API_", env_file=".env", extra="ignore", populate_by_name=True
    )

    hosts: tuple[str, ...] = Field(
        default=("localhost", "127.0.0.1", "[::1]"),
        description="Names that a request may come by, besides that of AURORA_PUBLIC_URL",
    )
    cors_origins: tuple[str, ...] = Field(default=(), description="Origins of web apps that may call the API")
    trusted_proxies: str = Field(
        default="", description="Addresses whose X-Forwarded-For is believed, by comma"
    )

    anonymous_per_minute: int = Field(default=100, ge=1, description="Requests a minute and IP address")
    user_per_minute: int = Field(default=600, ge=1, description="Requests a minute and person")
    key_per_minute: int = Field(
        default=600, ge=1, description="Requests a minute that all API keys of a person make"
    )
    login_per_minute: int = Field(
        default=20,
        ge=1,
        description="Attempts to log in or register, a minute and IP; passwords tried per account",
    )
    reset_per_minute: int = Field(
        default=10, ge=1, description="E-mails asked for and links tried, a minute and IP, person or address"
    )
    ai_per_minute: int = Field(
        default=60, ge=1, description="What-ifs a minute that a person asks, by logins and keys together"
    )
    require_verified_email: bool = Field(
        default=False, description="Only who has confirmed an e-mail address may use more than /auth"
    )

    max_body_bytes: int = Field(default=MEBIBYTE, ge=1024)
    max_batch_bytes: int = Field(default=32 * MEBIBYTE, ge=1024)
    max_batch_items: int = Field(default=10_000, ge=1)
    batches_at_once: int = Field(default=4, ge=1, description="Batches that one worker reads at a time")
    batch_seconds: int = Field(default=60, ge=1, description="A batch has to be here by then")
    batch_wait_seconds: float = Field(default=10.0, gt=0, description="A place has to be free by then")
    max_line_bytes: int = Field(default=256 * 1024, ge=1024, description="One event of an NDJSON batch")

    bcrypt_cost: int = Field(
        default=12, ge=4, le=MAX_COST, description="Work to hash a password; each step doubles it"
    )
    hashing_threads: int = Field(default=2, ge=1, description="Passwords hashed at the same time")
    hashing_queue: int = Field(default=32, ge=1, description="Passwords that may wait; more are sent away")
    access_minutes: int = Field(default=30, ge=1)
    refresh_days: int = Field(default=7, ge=1)
    refresh_grace_seconds: int = Field(
        default=10, ge=0, description="A refresh lost to a twin does no harm so long"
    )

    keys_per_person: int = Field(default=20, ge=1, description="API keys that hold at the same time")
    note_keys_seconds: float = Field(
        default=30.0, gt=0, description="How often it is written down which keys were used"
    )

    prediction_ttl_seconds: int = Field(
        default=KEPT_SECONDS, ge=1, description="So long a prediction is kept; an event makes it void at once"
    )
    scores_ttl_seconds: int = Field(
        default=HOUR_SECONDS,
        ge=1,
        description="So long scores and patterns are kept; a build makes them void",
    )
    postgres_wait_seconds: float = Field(default=2.0, gt=0, description="Then the answer is 503")
    own_writes_seconds: float = Field(
        default=5.0, gt=0, description="So long after a write its writer reads from the primary"
    )
    redis_timeout_seconds: float = Field(default=0.1, gt=0, description="Then the API goes on without Redis")

    ticket_seconds: int = Field(default=30, ge=1)
    heartbeat_seconds: float = Field(default=30.0, gt=0)
    sockets_per_person: int = Field(default=10, ge=1)
    # Above the 64 KiB at which a transport asks to pause: a replay pauses there, and is no slow consumer.
    socket_buffer_bytes: int = Field(
        default=DEFAULT_BUFFER_BYTES, ge=128 * 1024, description="What may wait for a slow consumer"
    )
    socket_send_seconds: float = Field(
        default=DEFAULT_SEND_SECONDS, gt=0, description="A consumer that takes nothing for so long is dropped"
    )
    look_seconds: float = Field(
        default=5.0, gt=0, description="How often to look for notices that nobody knocked for"
    )

    webhooks: WebhookOptions = Field(
        default_factory=WebhookOptions, description="Of AURORA_WEBHOOKS_…: the job worker has them, too"
    )

    metrics_dir: Path | None = Field(
        default=None,
        validation_alias=AliasChoices("metrics_dir", "PROMETHEUS_MULTIPROC_DIR"),
        description="Where the workers share their metrics",
    )
