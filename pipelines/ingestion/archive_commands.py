"""`aurora archive list | run | restore`: months of the log that lie in Parquet files."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from aurora import clock
from aurora.settings import Settings, load_settings


def register_archive(app: typer.Typer) -> None:
    """Add `aurora archive`."""
    archive = typer.Typer(
        no_args_is_help=True, help="Old months of the log: into Parquet files, and back into Postgres."
    )
    app.add_typer(archive, name="archive")
    archive.command("list")(list_)
    archive.command()(run)
    archive.command()(restore)


def list_(
    *, check: Annotated[bool, typer.Option("--check", help="Read every file and compare its SHA-256")] = False
) -> None:
    """Which months lie in which file, which are due, and whether the files are whole."""
    from aurora.database.connections import connect
    from pipelines.ingestion.archive_manifests import due_months, find_damage, read_manifests

    settings, console = load_settings(), _console()
    with connect(settings.need("postgres_url")) as connection:
        manifests = read_manifests(connection)
        due = due_months(connection, clock.now(), _age(settings))
        damage = find_damage(connection, settings.archive_dir) if check else {}
    table = Table(
        "month", "state", "events", "MB", "first stored", "file", title="The archive", title_justify="left"
    )
    for manifest in manifests:
        table.add_row(
            f"{manifest.month:%Y-%m}",
            damage.get(manifest.file_name, manifest.state),
            f"{manifest.row_count:,}",
            f"{manifest.file_bytes / 1e6:.1f}",
            f"{manifest.first_received_at:%Y-%m-%d}",
            manifest.file_name,
        )
    console.print(table if manifests else "Nothing is archived.")
    console.print(f"Files lie in {settings.archive_dir}.", style="dim")
    if due:
        console.print(f"Due: {', '.join(f'{month:%Y-%m}' for month in due)}")
    if damage:
        console.print(f"[bold red]{len(damage)} files are missing or changed:[/] put back copies of them.")
        raise typer.Exit(1)


def run(
    older_than_days: Annotated[
        int | None, typer.Option(min=1, help="Months first stored longer ago; else archive_after_days")
    ] = None,
) -> None:
    """Archive the months that are due. A run that was killed is taken up by the next one."""
    from aurora.database.connections import connect
    from pipelines.ingestion.archive import archive_months

    settings, console = load_settings(), _console()
    after = timedelta(days=older_than_days) if older_than_days else _age(settings)
    with (
        connect(settings.need("postgres_url"), autocommit=True) as connection,
        console.status("looking for months that are due") as status,
    ):
        report = archive_months(
            connection,
            settings.archive_dir,
            now=clock.now(),
            after=after,
            on_month=lambda month, what: status.update(f"{month:%Y-%m}: {what} …"),
        )
    console.print(
        f"Months archived: {len(report.archived)} ({report.rows:,} events, {report.bytes / 1e6:.1f} MB)."
    )
    if report.postponed:
        months = ", ".join(f"{month:%Y-%m}" for month in report.postponed)
        console.print(f"Left to the next run, because a build or a long query reads the log: {months}.")


def restore(
    month: Annotated[datetime, typer.Argument(formats=["%Y-%m"], help="The month, e.g. 2023-01")],
    keep_days: Annotated[int, typer.Option(min=0, help="How long no run archives it again")] = 30,
) -> None:
    """Put an archived month back into the log, where the API and SQL see it."""
    from aurora.database.connections import connect
    from pipelines.ingestion.archive import restore_month

    settings, console = load_settings(), _console()
    until = clock.now() + timedelta(days=keep_days)
    with (
        connect(settings.need("postgres_url"), autocommit=True) as connection,
        console.status(f"restoring {month:%Y-%m}"),
    ):
        count = restore_month(connection, settings.archive_dir, month.date(), keep_until=until)
    if count:
        console.print(f"{count:,} events of {month:%Y-%m} are back in the log until {until:%Y-%m-%d}.")
    else:
        console.print(f"{month:%Y-%m} is in the log already, until {until:%Y-%m-%d} at least.")


def _age(settings: Settings) -> timedelta:
    return timedelta(days=settings.archive_after_days)


def _console() -> Console:
    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = 160
    return console
