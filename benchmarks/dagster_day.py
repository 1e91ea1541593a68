"""What a day's build of the warehouse through Dagster takes beyond its SQL.

.venv/bin/python -m benchmarks.dagster_day --people 200 --days 90

Simulated people, built once; then all of them tell one day more, and the asset `warehouse` is materialized in process
as the daily job does it: dbt runs models and tests in two threads, and Dagster records what came out in the Postgres of
the installation. A moment counts as SQL when any thread of dbt waits for Postgres. Beside it the same build without
Dagster, as `aurora build` runs it. Each has a process of its own, whose beginning (imports, and reading dbt's project)
counts. Of two days the second counts: on the first one Dagster finds out where columns come from, which is kept.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from multiprocessing import get_context
from pathlib import Path
from typing import Any, Final
from unittest.mock import patch

import psycopg
from rich.console import Console
from rich.table import Table

from aurora.database.grants import PIPELINES
from aurora.database.migrate import migrate
from aurora.settings import Settings
from benchmarks.cost import peak_mb
from benchmarks.services import SECRET_KEY, Services, services
from benchmarks.told_again import tell_one_more_day
from infra.dagster_home import write_dagster_home
from infra.installation import open_installation
from pipelines.transformation.warehouse import build_warehouse

ENDS_ON: Final = date(2026, 11, 22)
AIM_SECONDS: Final = 15
AIM_MB: Final = 500
_QUIET: Final = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
"""As the daily job is run by `aurora daily`."""


class Waits:
    """When threads of dbt waited for Postgres, as dbt says."""

    def __init__(self) -> None:
        self._spans: list[tuple[float, float]] = []

    def hear(self, event: Any) -> None:
        if event.info.name == "SQLQueryStatus":
            ended = event.info.ts.ToDatetime().timestamp()
            self._spans.append((ended - float(event.data.elapsed), ended))

    @property
    def seconds(self) -> float:
        """In which at least one waited."""
        total, until = 0.0, float("-inf")
        for began, ended in sorted(self._spans):
            total += max(0.0, ended - max(began, until))
            until = max(until, ended)
        return total


@contextmanager
def heard() -> Iterator[Waits]:
    """What dbt says while it runs in this process."""
    from dbt.cli import main as dbt

    waits, runner = Waits(), dbt.dbtRunner

    def listening(callbacks: list[Any]) -> dbt.dbtRunner:
        return runner(callbacks=[*callbacks, waits.hear])

    with patch.object(dbt, "dbtRunner", listening):
        yield waits


@dataclass(frozen=True)
class Day:
    """What a day's build took, in seconds, and the most memory that its process ever had."""

    seconds: float
    of_sql: float
    peak_mb: float


def build_without(url: str, folder: Path) -> None:
    build_warehouse(url, data_dir=folder)


def build_through_dagster(url: str, folder: Path) -> None:
    import dagster as dg

    from pipelines.daily import dagster_instance
    from pipelines.resources import default_resources
    from pipelines.transformation.assets import warehouse

    resources = default_resources({"postgres_url": url, "data_dir": str(folder)})
    with dagster_instance(
        Settings.model_validate({"data_dir": folder, "secret_key": SECRET_KEY})
    ) as instance:
        assert dg.materialize([warehouse], instance=instance, resources=resources, run_config=_QUIET).success


WAYS: Final[dict[str, Callable[[str, Path], None]]] = {
    "without Dagster": build_without,
    f"through Dagster (aims: ≤ {AIM_SECONDS} beyond SQL, ≤ {AIM_MB} MB)": build_through_dagster,
}


def measured(way: str, url: str, folder: Path) -> Day:
    """In a process of its own, as in production."""
    with heard() as waits:
        began = time.perf_counter()
        WAYS[way](url, folder)
        seconds = time.perf_counter() - began
    return Day(seconds, waits.seconds, peak_mb())


def _one_more_day(way: str, running: Services, connection: psycopg.Connection[Any]) -> Day:
    tell_one_more_day(connection)
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as process:
        return process.submit(measured, way, running.url_of(PIPELINES), running.folder).result()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--people", type=int, default=200)
    parser.add_argument("--days", type=int, default=90)
    asked = parser.parse_args()
    table = Table("a day more", "seconds", "of SQL", "beyond it", "peak MB")
    with services() as running, psycopg.connect(running.postgres_url, autocommit=True) as connection:
        migrate(running.postgres_url, SECRET_KEY)
        given = {"data_dir": running.folder, "postgres_url": running.postgres_url, "secret_key": SECRET_KEY}
        write_dagster_home(open_installation(Settings.model_validate(given)))
        running.simulate(asked.people, asked.days, ends_on=ENDS_ON)
        running.build()
        for way in WAYS:
            first, day = (_one_more_day(way, running, connection) for _ in range(2))
            Console().print(f"{way}: the first day {first.seconds:.1f} s")
            beyond = day.seconds - day.of_sql
            table.add_row(
                way, f"{day.seconds:.1f}", f"{day.of_sql:.1f}", f"{beyond:.1f}", f"{day.peak_mb:,.0f}"
            )
    Console().print(table)


if __name__ == "__main__":
    main()
