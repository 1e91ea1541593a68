"""`aurora audit verify | show`: whether the trail is as it was sealed, and what is in it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from aurora.settings import load_settings
from serving.audit.chain import AuditRow, seal_key, utc

if TYPE_CHECKING:
    from serving.audit.verifying import Report

MOST_SHOWN = 50
MOST_TOLD = 100


def register_audit(app: typer.Typer) -> None:
    """Add `aurora audit`."""
    audit = typer.Typer(help="Who changed what, and whether that was changed.", no_args_is_help=True)
    app.add_typer(audit, name="audit")
    audit.command()(verify)
    audit.command()(show)


def verify(
    known: Annotated[
        str | None,
        typer.Option(help="A seal that has to be there, `head` of `audit_sealed` in the job worker's log"),
    ] = None,
) -> None:
    """Check every row against the seals, and every seal against the one before. Exit code 1 when something is wrong."""
    from aurora.database.connections import connect
    from serving.audit import verifying

    settings, console = load_settings(), Console(highlight=False)
    key, head = seal_key(settings.need("data_key")), verifying.Head.parse(known) if known else None
    columns = (TextColumn("checking"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with (
        connect(settings.need("postgres_url"), autocommit=True) as connection,
        Progress(*columns, console=console, transient=True) as progress,
    ):
        task = progress.add_task("checking", total=verifying.count_sealed(connection))
        report = verifying.verify(
            connection, key, known=head, on_rows=lambda count: progress.advance(task, count)
        )
    _tell(console, report)
    if report.findings:
        raise typer.Exit(1)


def show(
    *,
    user: Annotated[str | None, typer.Option(help="What was done to this person: user name or id")] = None,
    action: Annotated[str | None, typer.Option(help="Only this, e.g. role.given")] = None,
    since: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"], help="Only from then on (UTC)"),
    ] = None,
    limit: Annotated[int, typer.Option(min=1, help="The latest so many")] = MOST_SHOWN,
) -> None:
    """The latest rows of the trail."""
    from aurora.database.connections import connect
    from serving.audit.trail import Wanted, find_user_id, read_rows

    with connect(load_settings().need("postgres_url")) as connection:
        user_id = find_user_id(connection, user) if user is not None else None
        at = since.replace(tzinfo=UTC) if since is not None else None
        rows = read_rows(connection, Wanted(user_id, action=action, since=at), limit)
    for row in rows:
        typer.echo(_line(row))


def _line(row: AuditRow) -> str:
    """One row on one line, however long: ids are there to be copied."""
    who = f"{row.actor_kind} of {row.actor_id}" if row.actor_id else row.actor_kind
    whom = row.subject_user_id or "everybody"
    return f"{row.audit_id:>8}  {utc(row.at)}  {row.action:<24} by {who} to {whom}: {row.subject_id}"


def _tell(console: Console, report: Report) -> None:
    if report.last is None:
        console.print("Nothing was sealed yet: `python -m serving.jobs` does that every minute.")
    else:
        console.print(
            f"Checked {report.rows} rows under {report.seals} seals, until {utc(report.last.sealed_at)}."
        )
        console.print(f"The head is {report.last.head}", soft_wrap=True)
    if report.waiting_since is not None:
        console.print(
            f"{report.waiting} rows wait for the next seal, the oldest of {utc(report.waiting_since)}. After some"
            " minutes: no job worker runs, or the last seals are gone (compare the head with what its log says)."
        )
    for finding in report.findings[:MOST_TOLD]:
        console.print(f"[bold red]{finding.kind}[/] {finding.sentence}", soft_wrap=True)
    if len(report.findings) > MOST_TOLD:
        console.print(f"… and {len(report.findings) - MOST_TOLD} more.")
    if not report.findings:
        console.print("Nothing was changed.")
