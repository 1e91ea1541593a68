"""`aurora recompute-local-days`: make the log agree with the zone data that are installed now."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console

from aurora.settings import load_settings


def register_local_days(app: typer.Typer) -> None:
    """Add `aurora recompute-local-days`."""
    app.command("recompute-local-days")(recompute)


def recompute(
    *, again: Annotated[bool, typer.Option("--again", help="Also when the log agrees already")] = False
) -> None:
    """After new zone data: events whose local day or clock time is another now get a new version."""
    from aurora.database.connections import connect
    from pipelines.ingestion.local_days import follow_zone_data

    settings, console = load_settings(), Console(highlight=False)
    if not console.is_terminal:
        console.width = 160
    with (
        connect(settings.need("postgres_url"), autocommit=True) as connection,
        console.status("looking at local days") as status,
    ):
        found = follow_zone_data(
            connection,
            settings.archive_dir,
            again=again,
            on_people=lambda done, total: status.update(f"{done:,} of {total:,} people …"),
        )
    log = found.log
    if log.was_current:
        console.print(f"The log agrees with the zone data {log.version}; nothing to do.")
        return
    console.print(f"Zone data {log.before or 'unknown'} → {log.version}: {log.seen:,} events looked at.")
    console.print(f"  moved to another local day    {log.moved:,}")
    console.print(f"  only their clock time changed {log.shifted:,}")
    if found.restored:
        months = ", ".join(f"{month:%Y-%m}" for month in found.restored)
        console.print(f"  put back from the archive for it: {months}")
    if log.moved or log.shifted:
        console.print("The next build takes these days; live state hears of them by itself.", style="dim")
