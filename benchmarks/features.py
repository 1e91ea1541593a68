"""What tiles and point-in-time features cost in Postgres, beside DuckDB and Polars on the same rows of it.

.venv/bin/python -m benchmarks.features --people 100 --days 90 --copies 9

- AURORA: dbt builds all that the features of both sets need, and the features, from nothing; then one day more, and
  that day once again. After a full build tiles are in memory as far as what was written since left them there; after
  a day they are.
- Each is measured on a disk that is at rest again after what was written before (benchmarks/rested_disk.py).
- DuckDB, Polars: the measurements and the moments out of Postgres over Arrow, and the same features without the second
  clock (benchmarks/features_in_duckdb.py, features_in_polars.py), on all cores.
- Rounds: a full build differs by up to a fifth from one to the next. So the first size is built and read several times,
  in turn; told are the middle ones, and the least and the most ratio. The second takes minutes: once.
- Equal: at moments for which nothing had come late or was corrected later all must say the same.
- Growth: the same with `copies` of everybody.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import date
from multiprocessing import get_context
from pathlib import Path
from typing import Final, TypeVar

import psutil
import psycopg
import pyarrow as pa
from rich.console import Console
from rich.table import Table

from aurora.database.grants import PIPELINES
from aurora.features.catalogue import FEATURE_SETS
from benchmarks.compared_features import NAMES, compare, read
from benchmarks.cost import Cost, peak_mb, postgres_of, spent
from benchmarks.every_measurement import EVERY_MEASUREMENT
from benchmarks.features_in_duckdb import features_in_duckdb
from benchmarks.features_in_polars import features_in_polars
from benchmarks.rested_disk import RestedDisk
from benchmarks.services import Services, services
from benchmarks.told_again import copy_people, tell_one_more_day
from pipelines.transformation.builds import recorded_build
from pipelines.transformation.dbt_runs import run_dbt

T = TypeVar("T")

ENDS_ON = date(2026, 11, 22)
SETS = [f"+moment_{name}_features" for name in FEATURE_SETS]

OTHERS: Final[dict[str, Callable[[pa.Table, pa.Table, Sequence[str]], pa.Table]]] = {
    "DuckDB": features_in_duckdb,
    "Polars": features_in_polars,
}
"""What is measured beside AURORA: its name → the features of measurements and moments."""

AIMS: Final = {"DuckDB": " (aim: ≤ 2)"}

_MOMENTS = """
    select
        row_number() over (order by user_id, as_of, precision, local_date) as moment,
        user_id::text as user_id,
        local_date,
        as_of,
        local_seconds
    from intermediate.int_moments
"""


@dataclass(frozen=True)
class Built:
    """What a build cost, its slowest models in seconds, and the most memory that its process ever took."""

    cost: Cost
    slowest: list[tuple[str, float]]
    peak_mb: float


@dataclass(frozen=True)
class Round:
    """A full build, and the others on the same rows."""

    full: Built
    others: dict[str, Cost]

    def ratio(self, other: str) -> float:
        """How many times another the build takes, by the clock."""
        return self.full.cost.wall / self.others[other].wall


@dataclass(frozen=True)
class Size:
    """What one population cost."""

    people: int
    events: int
    moments: int
    rounds: list[Round]
    day: Built
    again: Built

    @property
    def full(self) -> Built:
        """The full build in the middle, by the clock."""
        return _middle([each.full for each in self.rounds], lambda full: full.cost.wall)

    def cost_of(self, other: str) -> Cost:
        """Its middle one, by the clock."""
        return _middle([each.others[other] for each in self.rounds], lambda cost: cost.wall)

    def compared_with(self, other: str) -> str:
        """The ratio of the round in the middle, by CPU too, and the least and the most."""
        middle = _middle(self.rounds, lambda each: each.ratio(other))
        told = middle.full.cost.in_units_of(middle.others[other])
        ratios = [each.ratio(other) for each in self.rounds]
        return told if len(ratios) == 1 else f"{told}, {min(ratios):.1f} to {max(ratios):.1f}"


def _middle(several: Sequence[T], by: Callable[[T], float]) -> T:
    return sorted(several, key=by)[len(several) // 2]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--people", type=int, default=50)
    parser.add_argument("--days", type=int, default=60)
    parser.add_argument(
        "--copies", type=int, default=4, help="of everybody, for the second size; 0: one size only"
    )
    parser.add_argument("--rounds", type=int, default=3, help="of the first size; an odd number")
    asked = parser.parse_args()
    # Each build has a process to itself, as in production, so that its memory can be told from that of all else.
    with (
        services() as running,
        psycopg.connect(running.postgres_url, autocommit=True) as connection,
        ProcessPoolExecutor(1, mp_context=get_context("spawn"), max_tasks_per_child=1) as builder,
    ):
        disk = RestedDisk(running.folder)
        running.simulate(asked.people, asked.days, ends_on=ENDS_ON)
        sizes = [_measured(running, connection, builder, disk, rounds=asked.rounds, compared=True)]
        if asked.copies:
            copy_people(connection, asked.copies)
            sizes.append(_measured(running, connection, builder, disk, rounds=1, compared=False))
    _report(sizes)


def _measured(
    running: Services,
    connection: psycopg.Connection,
    builder: ProcessPoolExecutor,
    disk: RestedDisk,
    *,
    rounds: int,
    compared: bool,
) -> Size:
    postgres = postgres_of(connection)
    where = running.url_of(PIPELINES), running.folder

    def built(*, full: bool) -> Built:
        disk.wait()
        # The kernel lets go of files while nobody asks for them; the others' libraries stay in this process.
        builder.submit(_read_project, *where).result()
        return builder.submit(_build, *where, postgres.pid, full=full).result()

    def one_more_day() -> Built:
        tell_one_more_day(connection)
        return built(full=False)

    full = built(full=True)
    _settle(connection)
    day, again = one_more_day(), one_more_day()
    people, events = _row(connection, "select count(distinct user_id), count(*) from raw.events")
    (moments,) = _row(connection, "select count(*) from intermediate.int_moments")
    url = running.postgres_url

    def others() -> tuple[dict[str, Cost], dict[str, pa.Table]]:
        costs: dict[str, Cost] = {}
        told: dict[str, pa.Table] = {}
        for other, features_in in OTHERS.items():
            disk.wait()
            began = spent(postgres)
            features = features_in(read(url, EVERY_MEASUREMENT), read(url, _MOMENTS), NAMES)
            costs[other] = spent(postgres) - began
            if compared:
                told[other] = features
        return costs, told

    costs, told = others()
    if compared:
        compare(connection, url, told)
    del told
    measured = [Round(full, costs)]
    while len(measured) < rounds:
        measured.append(Round(built(full=True), others()[0]))
    return Size(people, events, moments, measured, day, again)


def _settle(connection: psycopg.Connection) -> None:
    """What Postgres and the kernel do by themselves in the minutes after a full build: a day comes later than that.

    A checkpoint is among it, so the day logs each page whole that it is the first to change.
    """
    connection.execute("vacuum (analyze)")
    # A checkpoint, for a role that may not ask for one.
    connection.execute("create database settled template template0 strategy file_copy")
    connection.execute("drop database settled")


def _read_project(url: str, folder: Path) -> None:
    """dbt reads all files of a version of the project once, in its first run: in no figure here."""
    run_dbt(["parse"], postgres_url=url, data_dir=folder)


def _build(url: str, folder: Path, postgres_pid: int, *, full: bool) -> Built:
    """In the process of dbt."""
    postgres = psutil.Process(postgres_pid)
    began = spent(postgres)
    with recorded_build(url, definition="benchmark", full=full) as build:
        more = ["--full-refresh"] if full else []
        results = run_dbt(["run", "--select", *SETS, *more], postgres_url=url, data_dir=folder)
        assert not any(result.is_bad for result in results), [
            result.message for result in results if result.is_bad
        ]
        build.is_good = True
    cost = spent(postgres) - began
    slowest = sorted(results, key=lambda result: -result.seconds)[:4]
    return Built(cost, [(result.name, result.seconds) for result in slowest], peak_mb())


def _row(connection: psycopg.Connection, query: str) -> tuple[int, ...]:
    row = connection.execute(query.encode()).fetchone()
    assert row is not None
    return row


def _report(sizes: list[Size]) -> None:
    table = Table("", *(f"{size.people:,} people" for size in sizes))
    table.add_row("events", *(f"{size.events:,}" for size in sizes))
    table.add_row("moments", *(f"{size.moments:,}" for size in sizes))
    table.add_row("AURORA, full build, s (of CPU)", *(str(size.full.cost) for size in sizes))
    for other in OTHERS:
        table.add_row(f"{other}, reading included, s (of CPU)", *(str(size.cost_of(other)) for size in sizes))
        table.add_row(
            f"full build ÷ {other}{AIMS.get(other, '')}", *(size.compared_with(other) for size in sizes)
        )
    for what, days in {
        "one day more": [size.day for size in sizes],
        "that day again": [size.again for size in sizes],
    }.items():
        table.add_row(f"{what}, s (of CPU)", *(str(day.cost) for day in days))
        shares = (day.cost.wall / size.full.cost.wall for day, size in zip(days, sizes, strict=True))
        table.add_row(f"{what} ÷ full build (aim: ≤ 5 %)", *(f"{share:.1%}" for share in shares))
    console = Console()
    console.print(table)
    if len(sizes) > 1:
        first, second = ((size.full.cost.wall / size.events) for size in sizes)
        console.print(f"growth: {second / first:.2f} × the seconds an event (aim: ≤ 1.15)")
    last = sizes[-1]
    for what, built in (
        ("full build", last.full),
        ("one day more", last.day),
        ("that day again", last.again),
    ):
        slowest = ", ".join(f"{name} {seconds:.1f} s" for name, seconds in built.slowest)
        console.print(f"slowest models, {what}: {slowest}")
    peak = max(built.peak_mb for size in sizes for built in (size.full, size.day, size.again))
    console.print(f"the process of a build: at most {peak:,.0f} MB (aim: ≤ 500)")


if __name__ == "__main__":
    main()
