"""The worked questions of docs/questions/: each a file of SQL that begins with the question, asked as an analyst asks.

To add one, add a file, then write the page anew: by the commands that it begins with, or from the people of the
tests, who are the same ones (`python -m pytest tests/dbt/test_questions.py -n 0 --write-answers`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, LiteralString, cast

import psycopg

from aurora.settings import PROJECT_DIR

QUESTIONS_DIR: Final = PROJECT_DIR / "docs" / "questions"
PAGE: Final = PROJECT_DIR / "docs" / "questions.md"

_INTRODUCTION: Final = """\
# Ten questions, and their answers

Written by `aurora analyst --write-answers` from `docs/questions/`; do not edit. The answers are those of the
simulated people that these commands make, and are asked again in every test run:

```sh
{commands}
```

Each file can be run as it stands: `psql "$(.venv/bin/aurora analyst --url)" -f docs/questions/02-who-is-in.sql`.
"""
DEMO_COMMANDS: Final = """\
.venv/bin/aurora up
.venv/bin/aurora simulate --users 8 --days 40 --seed 7 --ends-on 2026-05-31
.venv/bin/aurora build
.venv/bin/aurora train --as-of 2026-05-24T02:00:00 --cohort simulated-seed7
for day in 24 25 26 27 28 29 30; do
    .venv/bin/aurora predict --cohort simulated-seed7 --as-of 2026-05-${day}T09:00:00
done
.venv/bin/aurora analyst --write-answers"""


@dataclass(frozen=True)
class Question:
    """One file: what is asked, what to mind, and the SQL."""

    name: str
    title: str
    notes: tuple[str, ...]
    sql: str


@dataclass(frozen=True)
class Answer:
    """What Postgres said."""

    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]


def read_questions(folder: Path = QUESTIONS_DIR) -> list[Question]:
    """All of them, in the order of their names."""
    return [_question(file) for file in sorted(folder.glob("*.sql"))]


def ask(connection: psycopg.Connection[Any], question: Question) -> Answer:
    """Ask as whoever the connection belongs to."""
    cursor = connection.execute(cast("LiteralString", question.sql))
    names = tuple(column.name for column in cursor.description or ())
    return Answer(names, tuple(cursor.fetchall()))


def page(answered: Sequence[tuple[Question, Answer]]) -> str:
    """The page of all questions, with what came out."""
    parts = [_INTRODUCTION.format(commands=DEMO_COMMANDS)]
    for number, (question, answer) in enumerate(answered, start=1):
        parts.append(
            f"## {number}. {question.title}\n\n{' '.join(question.notes)}\n\n"
            f"```sql\n{question.sql}\n```\n\n{_table(answer)}\n"
        )
    return "\n".join(parts)


def _question(file: Path) -> Question:
    lines = file.read_text(encoding="utf-8").strip().splitlines()
    said = [line.removeprefix("--").strip() for line in lines if line.startswith("--")]
    body = "\n".join(line for line in lines if not line.startswith("--"))
    return Question(file.stem, said[0], tuple(said[1:]), body)


def _table(answer: Answer) -> str:
    if not answer.rows:
        return "No row."
    lines = [answer.columns, ("---",) * len(answer.columns), *answer.rows]
    return "\n".join(f"| {' | '.join('' if v is None else str(v) for v in line)} |" for line in lines)
