"""`aurora patterns`: search people's days for patterns, here and now."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from aurora import clock
from aurora.settings import load_settings

if TYPE_CHECKING:
    from pipelines.transformation.pattern_search import SearchReport

SHOWN = 5


def register_patterns(app: typer.Typer) -> None:
    """Add `aurora patterns`."""
    app.command()(patterns)


def patterns(
    *,
    user: Annotated[str | None, typer.Option(help="One person, by user name or id")] = None,
    cohort: Annotated[str | None, typer.Option(help="One cohort; everybody when not given")] = None,
    as_of: Annotated[
        datetime | None,
        typer.Option(help="As if it were this instant (UTC): the week before it, and nothing known later"),
    ] = None,
) -> None:
    """Search the 180 days up to the last Sunday for patterns, and replace what that week's search had found."""
    from aurora.database.connections import connect
    from aurora.patterns.search import week_ended_by
    from pipelines.transformation.pattern_search import search_people

    settings, console = load_settings(), Console(highlight=False)
    instant = as_of.replace(tzinfo=UTC) if as_of else None
    columns = (TextColumn("searching"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with (
        connect(settings.need("postgres_url"), autocommit=True) as connection,
        Progress(*columns, console=console, transient=True) as progress,
    ):
        task = progress.add_task("searching", total=None)
        report = search_people(
            connection,
            week_ended_by(instant or clock.now()),
            cohort=cohort,
            user=user,
            known_by=instant,
            on_person=lambda done, total: progress.update(task, completed=done, total=total),
        )
        best = connection.execute(
            "select stars, sentence from insights.patterns inner join app.users using (user_id)"
            " where week_ended_date = %(week)s and (%(cohort)s::text is null or cohort = %(cohort)s)"
            " and (%(user)s::text is null or user_id::text = %(user)s or username = %(user)s)"
            " order by place, q_value, user_id limit %(shown)s",
            {"week": report.week_ended_date, "cohort": cohort, "user": user, "shown": 100 if user else SHOWN},
        ).fetchall()
    _tell(console, report)
    for stars, sentence in best:
        console.print(f"{'★' * stars:<3}  {sentence}")


def _tell(console: Console, report: SearchReport) -> None:
    console.print(
        f"Week to {report.week_ended_date}: {report.people:,} people searched, {report.with_patterns:,} with"
        f" patterns, {report.without_tests:,} with too little to test, {report.silent:,} told of no day."
    )
    table = Table("kind", "tested", "found", box=None)
    for kind, tested in report.tested.items():
        table.add_row(kind.replace("_", " "), f"{tested:,}", f"{report.patterns.get(kind, 0):,}")
    if report.people:
        console.print(table)
