"""The sub-commands that `streams` adds to the `aurora` command: `aurora streams rebuild | status`."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

import typer


def register(app: typer.Typer) -> None:
    """Add this package's sub-commands to the `aurora` command."""
    streams = typer.Typer(
        no_args_is_help=True, help="Live features: how far they are, and from the log anew."
    )
    app.add_typer(streams, name="streams")

    @streams.command()
    def rebuild(
        user: Annotated[UUID | None, typer.Option(help="Only the person with this id")] = None,
        *,
        from_log: Annotated[
            bool, typer.Option("--from-log", help="Read all from the log, not from the warehouse's tiles")
        ] = False,
    ) -> None:
        """Fill the live tiles in Redis anew: in bulk from the warehouse, and from the log what is newer."""
        from aurora.settings import load_settings
        from streams.screens import show_rebuild

        show_rebuild(load_settings(), user, from_log=from_log)

    @streams.command()
    def status() -> None:
        """What waits, what is in flight, and how long events take to their effect."""
        from aurora.settings import load_settings
        from streams.screens import show_status

        show_status(load_settings())
