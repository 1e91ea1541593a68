"""What tiles and point-in-time features cost in Postgres, beside DuckDB on the same rows of the same database.

.venv/bin/python -m benchmarks.features --people 100 --days 90 --copies 9

- AURORA: dbt builds all that the features of both sets need, and the features, from nothing; then one day more.
- DuckDB: the measurements and the moments out of Postgres over Arrow, and the same features without the second clock
  (benchmarks/features_in_duckdb.py).
- Equal: at moments for which nothing had come late or was corrected later both must say the same.
- Growth: the same with `copies` of everybody.
"""

from __future__ import annotations

import argparse
import os
import resource
import time
from dataclasses import dataclass
from datetime import date

import adbc_driver_postgresql.dbapi as adbc
import numpy as np
import psycopg
import pyarrow as pa
from rich.console import Console
from rich.table import Table

from aurora.database.grants import PIPELINES
from aurora.features.catalogue import FEATURE_SETS, FEATURES
from benchmarks.features_in_duckdb import NAMES, features_in_duckdb
from benchmarks.services import Services, services
from pipelines.transformation.builds import recorded_build
from pipelines.transformation.dbt_runs import NodeResult, run_dbt

ENDS_ON = date(2026, 11, 22)
SETS = [f"+moment_{name}_features" for name in FEATURE_SETS]
TOLERANCE = 1e-9
_TIMES = frozenset(
    {
        "started_at", "ended_at", "local_date", "local_started_at", "local_ended_at", "day_started_at", "day_ended_at",
        "received_at", "known_at", "available_at",
    }
)  # fmt: skip

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
    """What one population cost, in seconds."""

    people: int
    events: int
    moments: int
    full: float
    slowest: list[NodeResult]
    peak_mb: float
    duckdb: float
    day: float


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--people", type=int, default=50)
    parser.add_argument("--days", type=int, default=60)
    parser.add_argument(
        "--copies", type=int, default=4, help="of everybody, for the second size; 0: one size only"
    )
    asked = parser.parse_args()
    with services() as running:
        running.simulate(asked.people, asked.days, ends_on=ENDS_ON)
        sizes = [_measured(running, compare=True)]
        if asked.copies:
            _copy_people(running, asked.copies)
            sizes.append(_measured(running, compare=False))
    _report(sizes)


def _measured(running: Services, *, compare: bool) -> Size:
    with psycopg.connect(running.postgres_url, autocommit=True) as connection:
        full, results = _built(running, full=True)
        _one_more_day(connection)
        day, _ = _built(running, full=False)
        # Before anything is read into this process: dbt runs within it.
        peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        people, events = _row(connection, "select count(distinct user_id), count(*) from raw.events")
        began = time.perf_counter()
        url = running.postgres_url
        told = features_in_duckdb(_read(url, _MEASUREMENTS), _read(url, _MOMENTS), os.cpu_count() or 1)
        taken = time.perf_counter() - began
        if compare:
            _compare(connection, url, told)
    slowest = sorted(results, key=lambda result: -result.seconds)[:4]
    return Size(people, events, told.num_rows, full, slowest, peak_mb, taken, day)


def _built(running: Services, *, full: bool) -> tuple[float, list[NodeResult]]:
    began = time.perf_counter()
    with recorded_build(running.url_of(PIPELINES), definition="benchmark", full=full) as build:
        more = ["--full-refresh"] if full else []
        results = run_dbt(
            ["run", "--select", *SETS, *more], postgres_url=running.url_of(PIPELINES), data_dir=running.folder
        )
        assert not any(result.is_bad for result in results), [
            result.message for result in results if result.is_bad
        ]
        build.is_good = True
    return time.perf_counter() - began, results


def _one_more_day(connection: psycopg.Connection) -> None:
    """What everybody told on their last whole day, told again a day later."""
    last = "local_date = (select max(local_date) - 1 from raw.user_days)"
    ids = {"event_id": "md5(event_id::text || local_date)::uuid"}
    for table in ("raw.events", "raw.event_keys", "raw.user_days", "raw.touched_days"):
        later = {name: f"{name} + interval '1 day'" for name in _columns(connection, table) if name in _TIMES}
        _insert_again(connection, table, ids | later, f"where {last}")


def _copy_people(running: Services, copies: int) -> None:
    """Everybody again, so many times, under other ids."""
    ids = {name: f"md5({name}::text || number)::uuid" for name in ("user_id", "event_id")}
    ids["username"] = "username || '-' || number"
    with psycopg.connect(running.postgres_url, autocommit=True) as connection:
        connection.execute(
            "create temporary table copies as select number from generate_series(1, %s) as number", (copies,)
        )
        for table in ("app.users", "raw.events", "raw.event_keys", "raw.user_days", "raw.touched_days"):
            _insert_again(connection, table, ids, "cross join copies")
        connection.execute("analyze")


def _insert_again(connection: psycopg.Connection, table: str, changed: dict[str, str], more: str) -> None:
    columns = _columns(connection, table)
    values = [changed.get(column, column) for column in columns]
    statement = f"insert into {table} ({', '.join(columns)}) select {', '.join(values)} from {table} {more}"  # noqa: S608  # of the catalogue
    connection.execute(f"{statement} on conflict do nothing".encode())


def _columns(connection: psycopg.Connection, table: str) -> list[str]:
    rows = connection.execute(
        "select column_name from information_schema.columns where table_schema || '.' || table_name = %s"
        " and column_name <> 'xid' order by ordinal_position",
        (table,),
    ).fetchall()
    return [name for (name,) in rows]


def _compare(connection: psycopg.Connection, url: str, told: pa.Table) -> None:
    ours = _read(url, _vectors())
    disturbed = np.array([row[1] for row in connection.execute(_DISTURBED.encode()).fetchall()])
    told = told.sort_by("moment")
    compared = differing = 0
    for name in NAMES:
        one = ours[name].to_numpy()[~disturbed].astype(float)
        other = told[name].to_numpy()[~disturbed].astype(float)
        same = np.isclose(one, other, rtol=TOLERANCE, atol=TOLERANCE, equal_nan=True)
        compared += len(same)
        differing += int((~same).sum())
        if not same.all():
            print(
                f"  {name}: {int((~same).sum())} of {len(same)} differ, e.g. {one[~same][0]} and {other[~same][0]}"
            )
    print(
        f"{compared:,} values at the {int((~disturbed).sum()):,} of {len(disturbed):,} moments that nothing disturbs:"
        f" {differing} differ"
    )


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


def _row(connection: psycopg.Connection, query: str) -> tuple[int, int]:
    row = connection.execute(query.encode()).fetchone()
    assert row is not None
    return row[0], row[1]


def _report(sizes: list[Size]) -> None:
    table = Table("", *(f"{size.people:,} people" for size in sizes))
    table.add_row("events", *(f"{size.events:,}" for size in sizes))
    table.add_row("moments", *(f"{size.moments:,}" for size in sizes))
    table.add_row("AURORA, full build, s", *(f"{size.full:.1f}" for size in sizes))
    table.add_row("DuckDB, reading included, s", *(f"{size.duckdb:.1f}" for size in sizes))
    table.add_row("full build ÷ DuckDB (aim: ≤ 2)", *(f"{size.full / size.duckdb:.1f}" for size in sizes))
    table.add_row("one day more, s", *(f"{size.day:.1f}" for size in sizes))
    table.add_row("one day ÷ full build (aim: ≤ 5 %)", *(f"{size.day / size.full:.1%}" for size in sizes))
    console = Console()
    console.print(table)
    if len(sizes) > 1:
        first, second = ((size.full / size.events) for size in sizes)
        console.print(f"growth: {second / first:.2f} × the seconds an event (aim: ≤ 1.15)")
    slowest = ", ".join(f"{result.name} {result.seconds:.1f} s" for result in sizes[-1].slowest)
    console.print(f"slowest models: {slowest}")
    console.print(f"this process with dbt in it: at most {sizes[0].peak_mb:,.0f} MB (aim: ≤ 500)")


if __name__ == "__main__":
    main()
