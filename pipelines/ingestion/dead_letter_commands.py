"""`aurora dead-letters list | show | replay`: what was set aside, why, and another chance after a fix."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Annotated, TypeVar

import psycopg
import typer
from rich.console import Console
from rich.table import Table

from aurora.errors import AuroraError, ServiceUnavailableError
from aurora.events.dead_letters import (
    Connection,
    DeadLetter,
    LetterCount,
    Wanted,
    count_letters,
    list_letters,
    read_letter,
)
from aurora.events.reasons import REASONS
from aurora.events.replays import ReplayReport, replay_letters
from aurora.settings import load_settings

T = TypeVar("T")

Reason = Annotated[str, typer.Option(help="Only this reason, e.g. unknown_type")]
Source = Annotated[str, typer.Option(help="Only this source: api, streams, or a mapping's")]
Since = Annotated[
    datetime | None,
    typer.Option(formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"], help="Only those received since (UTC)"),
]


class UnknownReasonError(AuroraError):
    def __init__(self, code: str) -> None:
        super().__init__(f"{code!r} is no reason code; there are: {', '.join(REASONS)}")


class UnknownLetterError(AuroraError):
    def __init__(self, rejection_id: int) -> None:
        super().__init__(f"there is no dead letter {rejection_id}; `aurora dead-letters list` shows them")


def register_dead_letters(app: typer.Typer) -> None:
    """Add `aurora dead-letters`."""
    letters = typer.Typer(
        no_args_is_help=True, help="What could not be accepted: counts, reasons, and another chance."
    )
    app.add_typer(letters, name="dead-letters")
    letters.command("list")(list_)
    letters.command()(show)
    letters.command()(replay)


def list_(
    reason: Reason = "",
    source: Source = "",
    since: Since = None,
    limit: Annotated[int, typer.Option(min=0, help="How many to list below the counts")] = 20,
    *,
    settled: Annotated[bool, typer.Option("--settled", help="Replayed and discarded ones, too")] = False,
) -> None:
    """Count what waits by source and reason, and list the newest."""
    wanted = _wanted(reason, source, since, is_waiting=not settled)

    async def read(connection: Connection) -> tuple[list[LetterCount], list[DeadLetter]]:
        return await count_letters(connection, wanted), await list_letters(connection, wanted, limit=limit)

    counts, letters = asyncio.run(_connected(read))
    _show_counts(counts)
    if letters:
        _show_letters(letters)


def show(rejection_id: Annotated[int, typer.Argument(help="The id that `list` shows")]) -> None:
    """One dead letter, whole: why, what helps, and what was received. Free text stays ciphertext."""

    async def read(connection: Connection) -> DeadLetter | None:
        return await read_letter(connection, rejection_id)

    letter = asyncio.run(_connected(read))
    if letter is None:
        raise UnknownLetterError(rejection_id)
    reason, console = REASONS.get(letter.reason_code), _console()
    table = Table.grid(padding=(0, 2))
    for name, value in _facts(letter):
        table.add_row(f"[bold]{name}[/]", value)
    if reason is not None:
        table.add_row("[bold]means[/]", reason.sentence)
        table.add_row("[bold]helps[/]", reason.remedy)
    console.print(table)
    console.print("\n" + letter.body, markup=False)


def replay(
    reason: Reason = "",
    source: Source = "",
    since: Since = None,
    rejection_id: Annotated[int, typer.Option("--id", help="Only this letter")] = 0,
) -> None:
    """Judge the waiting letters anew, as if they came in now. Repeating it changes nothing."""
    settings = load_settings()
    wanted = _wanted(reason, source, since, rejection_id=rejection_id or None)
    system_key, console = settings.need("data_key"), _console()
    with console.status("replaying") as status:

        async def act(connection: Connection) -> tuple[int, ReplayReport]:
            total = sum(count.letters for count in await count_letters(connection, wanted))

            def tell(done: int) -> None:
                status.update(f"replaying: {done:,} of {total:,}")

            return total, await replay_letters(connection, wanted, system_key, tell)

        total, report = asyncio.run(_connected(act))
    _show_report(console, total, report)


async def _connected(act: Callable[[Connection], Awaitable[T]]) -> T:
    url = load_settings().need("postgres_url")
    try:
        async with await psycopg.AsyncConnection.connect(
            url, autocommit=True, connect_timeout=5
        ) as connection:
            return await act(connection)
    except psycopg.OperationalError as error:
        raise ServiceUnavailableError("Postgres", str(error).strip().split("\n")[0]) from error


def _wanted(
    reason: str,
    source: str,
    since: datetime | None,
    *,
    rejection_id: int | None = None,
    is_waiting: bool = True,
) -> Wanted:
    if reason and reason not in REASONS:
        raise UnknownReasonError(reason)
    return Wanted(
        reason_code=reason or None,
        source=source or None,
        since=since.replace(tzinfo=UTC) if since else None,
        rejection_id=rejection_id,
        is_waiting=is_waiting,
    )


def _console() -> Console:
    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = 160
    return console


def _show_counts(counts: list[LetterCount]) -> None:
    console = _console()
    if not counts:
        console.print("No dead letters.")
        return
    table = Table("source", "reason", "letters", "newest", "means")
    table.columns[2].justify = "right"
    for count in counts:
        reason = REASONS.get(count.reason_code)
        table.add_row(
            count.source,
            count.reason_code,
            f"{count.letters:,}",
            f"{count.newest:%Y-%m-%d %H:%M}",
            reason.sentence if reason else "",
        )
    console.print(table)


def _show_letters(letters: list[DeadLetter]) -> None:
    table = Table("id", "received", "source", "reason", "because")
    for letter in letters:
        because = letter.reason if len(letter.reason) <= 100 else letter.reason[:99] + "…"
        table.add_row(
            str(letter.rejection_id),
            f"{letter.received_at:%Y-%m-%d %H:%M}",
            letter.source,
            letter.reason_code,
            because,
        )
    _console().print(table)


def _facts(letter: DeadLetter) -> list[tuple[str, str]]:
    facts = {
        "id": letter.rejection_id,
        "source": letter.source,
        "reason": letter.reason_code,
        "because": letter.reason,
        "person": letter.user_id,
        "file": letter.batch_id and f"batch {letter.batch_id}, row {letter.row_number}",
        "received": letter.received_at,
        "replayed": letter.replayed_at,
        "discarded": letter.discarded_at,
    }
    return [(name, str(value)) for name, value in facts.items() if value is not None]


def _show_report(console: Console, total: int, report: ReplayReport) -> None:
    console.print(f"{total:,} letters looked at, {report.settled:,} settled.")
    for outcome, count in sorted(report.outcomes.items()):
        if count:
            console.print(f"  {outcome:<24} {count:,}")
    for code, count in sorted(report.rejected.items()):
        if count:
            console.print(f"  still rejected: {code:<24} {count:,}  {REASONS[code].remedy}")
    for why, count in sorted(report.left.items()):
        console.print(f"  {why:<24} {count:,}  {_LEFT[why]}")


_LEFT = {
    "needs its file": "Import the file again: rows that were repaired are accepted, the others stay.",
    "nobody's": "Nobody is known whose they are, or they were erased.",
    "conflict stays": "The log keeps the first body; a correction needs the next version.",
}
