"""All settings, read once at an entry point; everything below takes arguments.

Precedence: arguments, then the environment (`AURORA_…`), then `.env`, then the run file that `aurora up`
writes with the addresses of the embedded services. The code never asks which of them it was.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from pydantic import Field
from pydantic_settings import (
    BaseSettings,
    JsonConfigSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from aurora.errors import ServiceNotConfiguredError

PROJECT_DIR = Path(__file__).resolve().parent.parent
DEFAULT_DATA_DIR = PROJECT_DIR / ".aurora"


class Settings(BaseSettings):
    """What a process needs to know about the world. Empty addresses mean: not configured."""

    model_config = SettingsConfigDict(env_prefix="AURORA_", env_file=".env", extra="ignore")

    data_dir: Path = Field(DEFAULT_DATA_DIR, description="Where the embedded services keep their data")
    datasets: Path | None = Field(None, description="Folder of the real data sets for tests and evaluation")

    postgres_url: str = Field("", description="postgresql://role:password@host:port/aurora of this process")
    postgres_pool_size: int = Field(5, ge=1, le=100)
    postgres_replica_url: str = Field(
        "", description="A streaming replica that the API may read from; else it reads from the primary"
    )
    redis_url: str = ""
    kafka_bootstrap: str = ""
    kafka_may_create_topics: bool = Field(False, description="Broker capability: CreateTopics works")
    kafka_check_crcs: bool = Field(False, description="Broker capability: record checksums are set")
    mlflow_uri: str = ""
    api_url: str = ""
    dagster_url: str = ""

    secret_key: str = Field("", description="Root secret; only the supervisor and `aurora migrate` hold it")
    jwt_secret: str = Field("", description="Signs the tokens of the API")
    jwt_secrets_before: str = Field(
        "", description="Secrets that signed before and are still believed, separated by spaces (docs/api.md)"
    )
    data_key: str = Field(
        "",
        description="Keys of 64 hex digits, separated by spaces: the first wraps each person's own data key",
    )
    pseudonym_key: str = Field(
        "",
        description="Keys the hash by which analysts know a person; another one makes everybody somebody new",
    )

    alert_urls: str = Field(
        "",
        description="Who hears of failed runs: addresses of Apprise, separated by spaces (docs/data-quality.md)",
    )
    smtp_url: str = Field(
        "",
        description="Server that takes e-mails: smtp:// or smtps://user:password@host:port",
    )
    mail_from: str = Field("AURORA_LIFE <aurora@localhost>", description="Sender of e-mails to people")
    public_url: str = Field(
        "", description="Where people's browsers find AURORA: links of e-mails lead there"
    )
    code_url: str = Field("", description="Repository that Dagster's code links lead to; else local files")
    code_branch: str = "main"

    archive_after_days: int = Field(
        730, ge=1, description="Months first stored longer ago go to the archive (docs/events.md)"
    )

    api_host: str = "127.0.0.1"
    api_port: int = 8000
    api_workers: int = Field(2, ge=1, le=64)
    threads: int = Field(1, ge=1, description="Threads of XGBoost, LightGBM and OpenMP in one process")
    training_dask_scheduler: str = Field(
        "",
        description="Address of a Dask scheduler that boosters are fitted on, e.g. tcp://host:8786; else here",
    )
    log_level: str = "INFO"

    @property
    def landing_dir(self) -> Path:
        """Files put here are imported by the landing sensor."""
        return self.data_dir / "landing"

    @property
    def archive_dir(self) -> Path:
        """Months of the log that have left Postgres lie here, as Parquet."""
        return self.data_dir / "archive"

    @property
    def run_file(self) -> Path:
        return self.data_dir / "run" / "settings.json"

    def need(self, name: str) -> str:
        """The address or secret called `name`, or a ServiceNotConfiguredError that says what to do."""
        value = getattr(self, name)
        if not value:
            raise ServiceNotConfiguredError(name)
        return str(value)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        del file_secret_settings
        # The run file lies in the data folder, whose place only the environment can change.
        data_dir = Path(os.environ.get("AURORA_DATA_DIR") or DEFAULT_DATA_DIR)
        run_file = JsonConfigSettingsSource(settings_cls, data_dir / "run" / "settings.json")
        return init_settings, env_settings, dotenv_settings, run_file


def load_settings(**overrides: Any) -> Settings:
    """The settings of this process. Call it once, at the entry point."""
    return Settings(**overrides)
