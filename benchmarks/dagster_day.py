"""What a day's build of the warehouse through Dagster takes beyond its SQL.

.venv/bin/python -m benchmarks.dagster_day --people 200 --days 90

Simulated people, built once; then all of them tell one day more, and the asset `warehouse` is materialized in process
as the daily job does it: dbt runs models and tests in two threads, and Dagster records what came out. A moment counts
as SQL when any thread waits for Postgres. Beside it the same build without Dagster, as `aurora build` runs it.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from typing import Any, Final
from unittest.mock import patch

import psycopg
from rich.console import Console
from rich.table import Table

from aurora.database.grants import PIPELINES
from benchmarks.services import Services, services
from benchmarks.told_again import tell_one_more_day
from pipelines.transformation.warehouse import build_warehouse

ENDS_ON: Final = date(2026, 11, 22)
AIM_SECONDS: Final = 15


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


def through_dagster(running: Services) -> None:
    import dagster as dg

    from pipelines.resources import default_resources
    from pipelines.transformation.assets import warehouse

    resources = default_resources(
        {"postgres_url": running.url_of(PIPELINES), "data_dir": str(running.folder)}
    )
    with dg.DagsterInstance.local_temp(str(running.folder / "dagster")) as instance:
        assert dg.materialize([warehouse], instance=instance, resources=resources).success


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--people", type=int, default=200)
    parser.add_argument("--days", type=int, default=90)
    asked = parser.parse_args()
    with services() as running, psycopg.connect(running.postgres_url, autocommit=True) as connection:
        running.simulate(asked.people, asked.days, ends_on=ENDS_ON)
        running.build()
        table = Table("a day more", "seconds", "of SQL", "beyond it")
        ways: dict[str, Callable[[], object]] = {
            "without Dagster": lambda: build_warehouse(running.url_of(PIPELINES), data_dir=running.folder),
            f"through Dagster (aim: ≤ {AIM_SECONDS} beyond)": lambda: through_dagster(running),
        }
        for name, build in ways.items():
            tell_one_more_day(connection)
            with heard() as waits:
                began = time.perf_counter()
                build()
                took = time.perf_counter() - began
            table.add_row(name, f"{took:.1f}", f"{waits.seconds:.1f}", f"{took - waits.seconds:.1f}")
    Console().print(table)


if __name__ == "__main__":
    main()
