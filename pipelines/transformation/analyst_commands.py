"""`aurora analyst`: how an analyst's tool connects, and the answers to the worked questions."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlsplit

import typer
from rich.console import Console
from rich.table import Table

from aurora.database.grants import ANALYST, ANALYST_SCHEMA
from aurora.errors import AuroraError
from aurora.secrets import role_url
from aurora.settings import PROJECT_DIR, load_settings


class AnswersOfOthersError(AuroraError):
    def __init__(self, answered: int) -> None:
        super().__init__(
            f"{answered} cohorts are in: the page holds the answers of simulated people alone, so that "
            "everybody finds the same. The answers themselves: `aurora analyst --answers`"
        )


def register_analyst(app: typer.Typer) -> None:
    """Add this sub-command to the `aurora` command."""
    app.command()(analyst)


def analyst(
    *,
    url: Annotated[bool, typer.Option("--url", help="Print only the address, with the password")] = False,
    answers: Annotated[
        bool, typer.Option("--answers", help="Answer the worked questions from your data")
    ] = False,
    write_answers: Annotated[
        bool, typer.Option("--write-answers", help="Write docs/questions.md from the simulated people")
    ] = False,
) -> None:
    """How psql or a BI tool connects: read only, the schema of the analysts."""
    settings, console = load_settings(), Console(highlight=False)
    address = role_url(settings.need("postgres_url"), settings.need("secret_key"), ANALYST)
    if url:
        typer.echo(address)
    elif answers or write_answers:
        _answer(console, address, is_written=write_answers)
    else:
        console.print(_settings(address))
        console.print(
            "\nAnything with a driver for PostgreSQL: psql, Superset, Metabase, DBeaver, a notebook."
        )
        console.print("The password follows from this installation's secret; whoever has it reads all views.")
        console.print("`aurora dashboard` opens a ready one. `docs/data-dictionary.md` says what is in it.")


def _settings(address: str) -> Table:
    parts = urlsplit(address)
    table = Table(box=None, show_header=False, pad_edge=False)
    for name, value in (
        ("host", parts.hostname),
        ("port", parts.port or 5432),
        ("database", parts.path.removeprefix("/")),
        ("schema", ANALYST_SCHEMA),
        ("user", parts.username),
        ("password", parts.password),
        ("SSL", "off: this machine only" if parts.hostname == "127.0.0.1" else "as your server asks"),
    ):
        table.add_row(f"  [bold]{name}[/]", str(value))
    return table


def _answer(console: Console, address: str, *, is_written: bool) -> None:
    from aurora.database.connections import connect
    from pipelines.transformation.questions import PAGE, Answer, Question, ask, page, read_questions

    answered: list[tuple[Question, Answer]] = []
    with connect(address, autocommit=True) as connection:
        cohorts = connection.execute("select count(distinct cohort) from users").fetchone()
        if is_written and cohorts != (1,):
            raise AnswersOfOthersError(cohorts[0] if cohorts else 0)
        for question in read_questions():
            answer = ask(connection, question)
            answered.append((question, answer))
            if not is_written:
                table = Table(*answer.columns, title=question.title, title_justify="left")
                for row in answer.rows:
                    table.add_row(*("" if value is None else str(value) for value in row))
                console.print(table)
    if is_written:
        PAGE.write_text(page(answered), encoding="utf-8")
        console.print(f"Written: {PAGE.relative_to(PROJECT_DIR)}")
