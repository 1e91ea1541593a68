"""`aurora demo`: from nothing to served predictions, by the same commands that a person would type.

Each step is a sub-command in a process of its own, so that the demo shows what the system does and no more.
A step whose result is there already is left out, which makes a repetition quick.
"""

from __future__ import annotations

import hashlib
import secrets
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import psycopg
from rich.console import Console
from rich.rule import Rule

from aurora.database.connections import connect
from aurora.errors import AuroraError
from aurora.settings import PROJECT_DIR, Settings, load_settings
from infra.story import tell

SEED: Final = 7
COHORT: Final = f"simulated-seed{SEED}"
SOCCERMON: Final = Path("soccermon") / "soccermon_daily.csv"


class DemoStepError(AuroraError):
    def __init__(self, command: str, code: int) -> None:
        super().__init__(
            f"`{command}` ended with {code}; what it said stands above. "
            "The system is still up: repeat `aurora demo` when the cause is mended"
        )


@dataclass(frozen=True)
class Step:
    """One sub-command of the demo, and why it is run."""

    title: str
    arguments: tuple[str, ...]


def run_demo(console: Console, *, users: int, days: int) -> None:
    """Bring everything up, bring people in, run the daily job once, and tell what happened."""
    began = time.monotonic()
    took: dict[str, float] = {}
    _run(console, Step("Start every process", ("up",)), took)
    settings = load_settings()
    for step in _steps(settings, users, days):
        _run(console, step, took)
    username, password = _login(settings)
    tell(console, settings, username=username, password=password, cohort=COHORT)
    parts = ", ".join(f"{title.lower()} {seconds:.0f} s" for title, seconds in took.items())
    console.print(f"\nDone in {time.monotonic() - began:.0f} s: {parts}.", style="dim")


def _steps(settings: Settings, users: int, days: int) -> list[Step]:
    """What is still to be done: a population and a file that are in the log already are not brought in again."""
    steps = []
    real = _soccermon(settings)
    with connect(settings.need("postgres_url")) as connection:
        is_simulated = connection.execute(
            "select 1 from raw.simulations where cohort = %s", (COHORT,)
        ).fetchone()
        is_imported = real is not None and _is_imported(connection, real)
    if not is_simulated:
        # Whoever's life ended at midnight would be predicted for after a day without food and sleep.
        whom = ("--users", str(users), "--days", str(days), "--seed", str(SEED))
        steps.append(Step("Simulate a population", ("simulate", *whom, "--until", "now")))
    if real is not None and not is_imported:
        steps.append(Step("Import SoccerMon team A", ("import", str(real), "--mapping", "soccermon")))
    steps.append(Step("Run the daily job", ("daily",)))
    return steps


def _soccermon(settings: Settings) -> Path | None:
    """The real athletes' file, where there is one: in AURORA_DATASETS, or beside the project."""
    for folder in (settings.datasets, PROJECT_DIR.parent / "shared" / "data"):
        if folder is not None and (folder / SOCCERMON).is_file():
            return folder / SOCCERMON
    return None


def _is_imported(connection: psycopg.Connection[Any], file: Path) -> bool:
    with file.open("rb") as body:
        digest = hashlib.file_digest(body, "sha256").hexdigest()
    found = connection.execute(
        "select 1 from raw.import_batches where file_sha256 = %s and mapping = 'soccermon' and state = 'done'",
        (digest,),
    )
    return found.fetchone() is not None


def _login(settings: Settings) -> tuple[str, str]:
    """A simulated person whom anybody at this machine may be: the password is new each time."""
    password = secrets.token_urlsafe(12)
    with connect(settings.need("postgres_url")) as connection:
        row = connection.execute(
            "select username from app.users where cohort = %s order by username limit 1", (COHORT,)
        ).fetchone()
    if row is None:
        raise AuroraError(f"there are no people in the cohort {COHORT}: did `aurora simulate` end well?")
    command = [_aurora(), "users", "set-password", row[0], "--password-stdin"]
    subprocess.run(command, input=password, text=True, check=True, stdout=subprocess.DEVNULL)  # noqa: S603  # our own command
    return row[0], password


def _run(console: Console, step: Step, took: dict[str, float]) -> None:
    console.print(Rule(f"[bold]{step.title}[/]  [dim]aurora {' '.join(step.arguments)}[/]", align="left"))
    began = time.monotonic()
    code = subprocess.run([_aurora(), *step.arguments], check=False).returncode  # noqa: S603  # our own command
    if code != 0:
        raise DemoStepError(f"aurora {' '.join(step.arguments)}", code)
    took[step.title] = time.monotonic() - began


def _aurora() -> str:
    """The `aurora` of this very installation, whatever PATH says."""
    return str(Path(sys.executable).with_name("aurora"))
