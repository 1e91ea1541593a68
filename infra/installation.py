"""One installation: its data folder, secrets, ports, and where each service is, embedded or outside.

What is decided here once (a port, a password) is kept in the data folder and is the same at the next start.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from pydantic_settings import BaseSettings, PydanticBaseSettingsSource

from aurora.secrets import derive, role_password
from aurora.settings import Settings
from infra.embedded.postgres import OWNER, EmbeddedPostgres
from infra.embedded.redis import EmbeddedRedis
from infra.embedded.unprivileged import is_root
from infra.errors import DataFolderError
from infra.ports import choose_ports, remembered_ports
from infra.run_folder import write_privately


class GivenSettings(Settings):
    """What the person has set: the environment and `.env`, not the run file of an earlier start."""

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        del settings_cls, file_secret_settings
        return init_settings, env_settings, dotenv_settings


@dataclass(frozen=True)
class Installation:
    """Everything that `aurora up` has to know. Made by `open_installation`."""

    given: Settings
    secret_key: str
    ports: Mapping[str, int]

    @property
    def data_dir(self) -> Path:
        return self.given.data_dir

    @property
    def run_dir(self) -> Path:
        return self.data_dir / "run"

    @property
    def log_dir(self) -> Path:
        return self.data_dir / "logs"

    @property
    def dagster_dir(self) -> Path:
        return self.data_dir / "dagster"

    @property
    def mlflow_dir(self) -> Path:
        return self.data_dir / "mlflow"

    @cached_property
    def postgres(self) -> EmbeddedPostgres | None:
        """The embedded cluster; None when an external one is given."""
        if self.given.postgres_url:
            return None
        password = role_password(self.secret_key, OWNER)
        return EmbeddedPostgres(self.data_dir / "postgres", self.ports["postgres"], password)

    @cached_property
    def redis(self) -> EmbeddedRedis | None:
        """The embedded Redis; None when an external one is given."""
        if self.given.redis_url:
            return None
        return EmbeddedRedis(self.data_dir / "redis", self.ports["redis"], derive(self.secret_key, "redis"))

    @property
    def has_embedded_broker(self) -> bool:
        return not self.given.kafka_bootstrap

    @property
    def has_embedded_mlflow(self) -> bool:
        return not self.given.mlflow_uri

    @property
    def has_embedded_mailbox(self) -> bool:
        return not self.given.smtp_url

    @property
    def mailbox_dir(self) -> Path:
        return self.data_dir / "mailbox"

    @property
    def smtp_url(self) -> str:
        return self.given.smtp_url or f"smtp://127.0.0.1:{self.ports['mailbox-smtp']}"

    @property
    def owner_url(self) -> str:
        return self.given.postgres_url or (self.postgres.url("aurora") if self.postgres else "")

    @property
    def redis_url(self) -> str:
        return self.given.redis_url or (self.redis.url() if self.redis else "")

    def role_url(self, role: str, database: str | None = None) -> str:
        """The address of a database for one role."""
        parts = urlsplit(self.owner_url)
        host = f"{parts.hostname}:{parts.port or 5432}"
        login = f"{role}:{role_password(self.secret_key, role)}@{host}"
        path = parts.path if database is None else f"/{database}"
        return urlunsplit(parts._replace(netloc=login, path=path))

    def url(self, service: str) -> str:
        return f"http://127.0.0.1:{self.ports[service]}"

    @property
    def mlflow_uri(self) -> str:
        return self.given.mlflow_uri or self.url("mlflow")

    def run_settings(self) -> dict[str, Any]:
        """The run file: the settings of every command that a person types."""
        return {
            "postgres_url": self.owner_url,
            "postgres_replica_url": self.given.postgres_replica_url,
            "redis_url": self.redis_url,
            "kafka_bootstrap": self.given.kafka_bootstrap,
            "kafka_may_create_topics": self.given.kafka_may_create_topics,
            "kafka_check_crcs": self.given.kafka_check_crcs,
            "mlflow_uri": self.mlflow_uri,
            "api_url": self.url("serving"),
            "api_port": self.ports["serving"],
            "dagster_url": self.url("dagster-webserver"),
            "secret_key": self.secret_key,
            "jwt_secret": self.given.jwt_secret or derive(self.secret_key, "jwt"),
            "jwt_secrets_before": self.given.jwt_secrets_before,
            "data_key": self.given.data_key or derive(self.secret_key, "data"),
            "pseudonym_key": self.given.pseudonym_key or derive(self.secret_key, "pseudonyms"),
            "alert_urls": self.given.alert_urls,
            "smtp_url": self.smtp_url,
            "mail_from": self.given.mail_from,
            "public_url": self.given.public_url or self.url("serving"),
        }


def given_settings(**overrides: Any) -> Settings:
    """The settings that the person has set, with the data folder as an absolute path."""
    given = GivenSettings(**overrides)
    return given.model_copy(update={"data_dir": given.data_dir.expanduser().absolute()})


def open_installation(given: Settings | None = None) -> Installation:
    """The installation in the data folder, made at the first time."""
    given = given or given_settings()
    _make_folders(given.data_dir)
    ports_file = given.data_dir / "ports.json"
    known = remembered_ports(ports_file)
    # The ports of a running system are taken: by us.
    ports = known if known and (given.data_dir / "run" / "settings.json").exists() else choose_ports(known)
    write_privately(ports_file, json.dumps(ports, indent=2))
    return Installation(given, given.secret_key or _secret_key(given.data_dir), ports)


def _make_folders(data_dir: Path) -> None:
    try:
        # As root Postgres runs as nobody and has to pass through; what lies inside is private all the same.
        data_dir.mkdir(mode=0o711 if is_root() else 0o700, parents=True, exist_ok=True)
        for name in ("run", "run/metrics", "logs", "dagster", "mlflow", "landing"):
            (data_dir / name).mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise DataFolderError(
            data_dir, f"cannot be written ({error.strerror}); set AURORA_DATA_DIR"
        ) from error


def _secret_key(data_dir: Path) -> str:
    file = data_dir / "secrets.json"
    if file.exists():
        return str(json.loads(file.read_text())["secret_key"])
    if (data_dir / "postgres").exists():
        raise DataFolderError(
            data_dir,
            "secrets.json is gone, and no password fits the data any more: "
            "put it back from a backup, or start anew with `aurora reset`",
        )
    key = secrets.token_hex(32)
    write_privately(file, json.dumps({"secret_key": key}))
    return key
