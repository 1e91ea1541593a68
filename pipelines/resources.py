"""Resources: the settings, read when a run begins, connections to Postgres made from them, and the instant
that a run takes for now.
"""

# Without postponed annotations: Dagster reads those of a resource as the class is made.
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import dagster as dg
import psycopg

from aurora import clock
from aurora.database.connections import connect
from aurora.settings import Settings, load_settings


class SettingsResource(dg.ConfigurableResource):
    """The settings of this process. `overrides` replaces single ones, for tests and for runs by hand."""

    overrides: dict[str, str] = {}  # noqa: RUF012  # dagster's resources are pydantic models

    def load(self) -> Settings:
        """Read them now: an embedded service may have moved since the last run."""
        return load_settings(**self.overrides)


class PostgresResource(dg.ConfigurableResource):
    """Connections to the database of these settings."""

    settings: dg.ResourceDependency[SettingsResource]

    @property
    def url(self) -> str:
        return self.settings.load().need("postgres_url")

    @contextmanager
    def connect(self, *, autocommit: bool = False) -> Iterator[psycopg.Connection[Any]]:
        """One connection, closed at the end; committed when the block ends well."""
        with connect(self.url, autocommit=autocommit) as connection:
            yield connection


class ReplayResource(dg.ConfigurableResource):
    """Replays a cohort on its own dates: what a run takes for now, and whom it is about.

    Empty, as every night: now is now, and everybody is meant.
    """

    as_of: str = ""
    """ISO 8601 with offset."""
    cohort: str = ""

    @property
    def until(self) -> datetime | None:
        """The replayed instant; None when this run is no replay."""
        if not self.as_of:
            return None
        instant = datetime.fromisoformat(self.as_of)
        return instant if instant.tzinfo else instant.replace(tzinfo=UTC)

    @property
    def now(self) -> datetime:
        return self.until or clock.now()

    def is_meant(self, cohort: str) -> bool:
        return self.cohort in {"", cohort}


def default_resources(
    overrides: dict[str, str] | None = None, *, replay: ReplayResource | None = None
) -> dict[str, dg.ConfigurableResource]:
    """What every asset of this project may ask for by name; `overrides` replace single settings."""
    settings = SettingsResource(overrides=overrides or {})
    return {
        "settings": settings,
        "postgres": PostgresResource(settings=settings),
        "replay": replay or ReplayResource(),
    }
