"""The address of Postgres with the role of the pipelines: what dbt makes must be theirs, whoever types the command."""

from __future__ import annotations

from aurora.database.grants import PIPELINES
from aurora.secrets import role_url
from aurora.settings import Settings


def pipelines_url(settings: Settings) -> str:
    """A process of theirs is told it; a person's command derives it from the root secret."""
    address = settings.need("postgres_url")
    return role_url(address, settings.secret_key, PIPELINES) if settings.secret_key else address
