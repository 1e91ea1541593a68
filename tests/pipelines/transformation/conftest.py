"""A warehouse for tests: a database of the test's own, built by dbt as the role of the pipelines."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, LiteralString

import psycopg
import pytest

from aurora.database.grants import PIPELINES
from pipelines.transformation.warehouse import BuildReport, build_warehouse
from tests.fixtures.database import fresh_database


@dataclass(frozen=True)
class Warehouse:
    """The addresses of one database, and what tests ask of it."""

    owner_url: str
    url: str
    data_dir: Path

    def build(
        self, *options: str, full: bool = False, is_good: bool = True, now: datetime | None = None
    ) -> BuildReport:
        report = build_warehouse(self.url, data_dir=self.data_dir, full=full, options=options, now=now)
        assert report.is_good is is_good, [(bad.name, bad.message) for bad in report.bad]
        return report

    def rows(self, query: LiteralString, *parameters: Any) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.owner_url) as connection:
            return connection.execute(query, parameters).fetchall()


@pytest.fixture
def warehouse(
    postgres_admin_url: str,
    template_database: str,
    worker_id: str,
    role_url: Callable[..., str],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Warehouse]:
    # One folder and one name for all tests of a worker: dbt parses the project anew for another address.
    data_dir = tmp_path_factory.getbasetemp() / "warehouse"
    for url in fresh_database(postgres_admin_url, template_database, f"aurora_warehouse_{worker_id}"):
        yield Warehouse(url, role_url(PIPELINES, url), data_dir)
