"""What tiles and point-in-time features cost in Postgres, beside DuckDB and Polars on the same rows of it.

.venv/bin/python -m benchmarks.features --people 100 --days 90 --copies 9

- AURORA: dbt builds all that the features of both sets need, and the features, from nothing; then one day more.
- DuckDB, Polars: the measurements and the moments out of Postgres over Arrow, and the same features without the second
  clock (benchmarks/features_in_duckdb.py, features_in_polars.py), on all cores.
- Equal: at moments for which nothing had come late or was corrected later all must say the same.
- Growth: the same with `copies` of everybody.
"""

from __future__ import annotations

import argparse
import resource
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

import adbc_driver_postgresql.dbapi as adbc
import numpy as np
import psutil
import psycopg
import pyarrow as pa
from rich.console import Console
from rich.table import Table

from aurora.database.grants import PIPELINES
from aurora.features.catalogue import FEATURE_SETS, FEATURES, vector_names
from benchmarks.cost import Cost, postgres_of, spent
from benchmarks.features_in_duckdb import features_in_duckdb
from benchmarks.features_in_polars import features_in_polars
from benchmarks.services import Services, services
from benchmarks.told_again import copy_people, tell_one_more_day
from pipelines.transformation.builds import recorded_build
from pipelines.transformation.dbt_runs import NodeResult, run_dbt

ENDS_ON = date(2026, 11, 22)
SETS = [f"+moment_{name}_features" for name in FEATURE_SETS]
NAMES = tuple(dict.fromkeys(name for feature_set in FEATURE_SETS for name in vector_names(feature_set)))
"""Every feature of both sets, once."""

OTHERS: Final[dict[str, Callable[[pa.Table, pa.Table, Sequence[str]], pa.Table]]] = {
    "DuckDB": features_in_duckdb,
    "Polars": features_in_polars,
}
"""What is measured beside AURORA: its name → the features of measurements and moments."""

AIMS: Final = {"DuckDB": " (aim: ≤ 2)"}

TOLERANCE = 1e-9

_MEASUREMENTS = """
    select user_id::text as user_id, measure, local_date, value, at as happened_at, alive_from
    from intermediate.int_measurements
    where alive_until = 'infinity'
"""
_MOMENTS = """
    select
        row_number() over (order by user_id, as_of, precision, local_date) as moment,
        user_id::text as user_id,
        local_date,
        as_of,
        local_seconds
    from intermediate.int_moments
"""
# Of earlier days something became known only after the moment, or what it knew was replaced later.
_DISTURBED = """
    select row_number() over (order by user_id, as_of, precision, local_date) as moment, exists (
        select from intermediate.int_measurements as measured
        where
            measured.user_id = moments.user_id
            and measured.local_date between moments.local_date - 28 and moments.local_date
            and (
                (measured.alive_from > moments.as_of and measured.local_date < moments.local_date)
                or (measured.alive_until > moments.as_of and measured.alive_until < 'infinity')
            )
    ) as is_disturbed
    from intermediate.int_moments as moments
    order by moment
"""


@dataclass(frozen=True)
class Size:
    """What one population cost."""

    people: int
    events: int
    moments: int
    full: Cost
    slowest: list[NodeResult]
    peak_mb: float
    others: dict[str, Cost]
    day: Cost


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--people", type=int, default=50)
    parser.add_argument("--days", type=int, default=60)
    parser.add_argument(
        "--copies", type=int, default=4, help="of everybody, for the second size; 0: one size only"
    )
    asked = parser.parse_args()
    with services() as running, psycopg.connect(running.postgres_url, autocommit=True) as connection:
        running.simulate(asked.people, asked.days, ends_on=ENDS_ON)
        sizes = [_measured(running, connection, compare=True)]
        if asked.copies:
            copy_people(connection, asked.copies)
            sizes.append(_measured(running, connection, compare=False))
    _report(sizes)


def _measured(running: Services, connection: psycopg.Connection, *, compare: bool) -> Size:
    postgres = postgres_of(connection)
    full, results = _built(running, postgres, full=True)
    tell_one_more_day(connection)
    day, _ = _built(running, postgres, full=False)
    # Before anything is read into this process: dbt runs within it.
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    people, events = _row(connection, "select count(distinct user_id), count(*) from raw.events")
    (moments,) = _row(connection, "select count(*) from intermediate.int_moments")
    url = running.postgres_url
    others: dict[str, Cost] = {}
    told: dict[str, pa.Table] = {}
    for other, features_in in OTHERS.items():
        began = spent(postgres)
        features = features_in(_read(url, _MEASUREMENTS), _read(url, _MOMENTS), NAMES)
        others[other] = spent(postgres) - began
        if compare:
            told[other] = features
    if compare:
        _compare(connection, url, told)
    slowest = sorted(results, key=lambda result: -result.seconds)[:4]
    return Size(people, events, moments, full, slowest, peak_mb, others, day)


def _built(running: Services, postgres: psutil.Process, *, full: bool) -> tuple[Cost, list[NodeResult]]:
    began = spent(postgres)
    with recorded_build(running.url_of(PIPELINES), definition="benchmark", full=full) as build:
        more = ["--full-refresh"] if full else []
        results = run_dbt(
            ["run", "--select", *SETS, *more], postgres_url=running.url_of(PIPELINES), data_dir=running.folder
        )
        assert not any(result.is_bad for result in results), [
            result.message for result in results if result.is_bad
        ]
        build.is_good = True
    return spent(postgres) - began, results


def _compare(connection: psycopg.Connection, url: str, told: dict[str, pa.Table]) -> None:
    ours = _read(url, _vectors())
    disturbed = np.array([row[1] for row in connection.execute(_DISTURBED.encode()).fetchall()])
    print(f"{int((~disturbed).sum()):,} of {len(disturbed):,} moments that nothing disturbs:")
    for other, features in told.items():
        compared, differing = _differing(ours, features.sort_by("moment"), ~disturbed)
        print(f"  {other}: {differing:,} of {compared:,} values differ from AURORA's")


def _differing(ours: pa.Table, theirs: pa.Table, undisturbed: np.ndarray) -> tuple[int, int]:
    """How many values were compared, and how many of them differ."""
    compared = differing = 0
    for name in NAMES:
        our = ours[name].to_numpy()[undisturbed].astype(float)
        their = theirs[name].to_numpy()[undisturbed].astype(float)
        same = np.isclose(our, their, rtol=TOLERANCE, atol=TOLERANCE, equal_nan=True)
        compared += len(same)
        differing += int((~same).sum())
        if not same.all():
            print(f"  {name}: {int((~same).sum())} differ, e.g. {our[~same][0]} and {their[~same][0]}")
    return compared, differing


def _vectors() -> str:
    domains = dict.fromkeys(FEATURES[name].domain for name in NAMES)
    columns = ", ".join(f"{FEATURES[name].domain}.{name}::float8 as {name}" for name in NAMES)
    joins = " ".join(
        f"inner join features.moment_{domain}_features as {domain} using (user_id, local_date, as_of, precision)"
        for domain in domains
    )
    return (
        f"select {columns} from intermediate.int_moments as moments {joins}"  # noqa: S608  # of the catalogue
        " order by user_id, as_of, precision, local_date"
    )


def _read(url: str, query: str) -> pa.Table:
    with adbc.connect(url) as connection, connection.cursor() as cursor:
        cursor.execute(query)
        return cursor.fetch_arrow_table()


def _row(connection: psycopg.Connection, query: str) -> tuple[int, ...]:
    row = connection.execute(query.encode()).fetchone()
    assert row is not None
    return row


def _report(sizes: list[Size]) -> None:
    table = Table("", *(f"{size.people:,} people" for size in sizes))
    table.add_row("events", *(f"{size.events:,}" for size in sizes))
    table.add_row("moments", *(f"{size.moments:,}" for size in sizes))
    table.add_row("AURORA, full build, s (of CPU)", *(str(size.full) for size in sizes))
    for other in OTHERS:
        table.add_row(f"{other}, reading included, s (of CPU)", *(str(size.others[other]) for size in sizes))
        ratios = (size.full.in_units_of(size.others[other]) for size in sizes)
        table.add_row(f"full build ÷ {other}{AIMS.get(other, '')}", *ratios)
    table.add_row("one day more, s (of CPU)", *(str(size.day) for size in sizes))
    table.add_row(
        "one day ÷ full build (aim: ≤ 5 %)", *(f"{size.day.wall / size.full.wall:.1%}" for size in sizes)
    )
    console = Console()
    console.print(table)
    if len(sizes) > 1:
        first, second = ((size.full.wall / size.events) for size in sizes)
        console.print(f"growth: {second / first:.2f} × the seconds an event (aim: ≤ 1.15)")
    slowest = ", ".join(f"{result.name} {result.seconds:.1f} s" for result in sizes[-1].slowest)
    console.print(f"slowest models: {slowest}")
    console.print(f"this process with dbt in it: at most {sizes[0].peak_mb:,.0f} MB (aim: ≤ 500)")


if __name__ == "__main__":
    main()
