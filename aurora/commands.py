"""The kernel's own sub-commands: `aurora migrate`."""

from __future__ import annotations

import typer
from rich.console import Console

from aurora.settings import load_settings


def register(app: typer.Typer) -> None:
    """Add the kernel's sub-commands to the `aurora` command."""

    @app.command()
    def migrate() -> None:
        """Create or upgrade roles, databases, tables and grants."""
        from aurora.database.migrate import migrate as run

        settings = load_settings()
        run(settings.need("postgres_url"), settings.need("secret_key"))
        Console().print("The database is up to date.")
