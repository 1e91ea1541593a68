"""Build the warehouse: dbt over the days that changed since the last good build, recorded and locked."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Final

from aurora import clock
from aurora.database.connections import connect
from aurora.events.pseudonyms import keep_pseudonyms
from pipelines.transformation.archived_days import restore_months_for_build
from pipelines.transformation.asked_days import ask_for_today
from pipelines.transformation.builds import recorded_build
from pipelines.transformation.dbt_runs import DBT_DIR, NodeResult, OnNode, run_dbt
from pipelines.transformation.digests import definition_of, views_of

_VIEWS: Final = "resource_type:model,config.materialized:view"
ALL_HISTORY: Final = "tag:all_history"
"""Tests that have to read all of it. It is the views' SQL that they judge: left out while that is what it was."""


@dataclass(frozen=True)
class BuildReport:
    """What one build did."""

    is_full: bool
    results: tuple[NodeResult, ...]
    seconds: float
    restored: tuple[date, ...] = ()
    """Archived months that were put back into the log for it."""
    kept_views: bool = False
    """The views were as they should be and are not among the results; their tests are."""

    @property
    def bad(self) -> list[NodeResult]:
        return [result for result in self.results if result.is_bad]

    @property
    def is_good(self) -> bool:
        return bool(self.results) and not self.bad

    def count(self, kind: str) -> int:
        return sum(1 for result in self.results if result.kind == kind and result.status != "skipped")


def build_warehouse(
    postgres_url: str,
    *,
    data_dir: Path,
    full: bool = False,
    options: Sequence[str] = (),
    exclude: Sequence[str] = (),
    dbt_dir: Path = DBT_DIR,
    on_node: OnNode | None = None,
    now: datetime | None = None,
    cohort: str | None = None,
    pseudonym_key: str = "",
) -> BuildReport:
    """Build and test every dbt model. A build in which anything failed is not a good one: the next goes on from
    the one before. `now` decides which day is today, for which everybody who is active (of `cohort`, where
    one is named) gets a row in any case. Nothing of what `exclude` selects is built.
    """
    started = time.monotonic()
    with connect(postgres_url) as connection:
        ask_for_today(connection, now or clock.now(), cohort=cohort)
        if pseudonym_key:
            keep_pseudonyms(connection, pseudonym_key)
    # A build that leaves some out says nothing of those to one that does not.
    views = None if options else " ".join((views_of(dbt_dir), *exclude))
    with recorded_build(postgres_url, definition=definition_of(dbt_dir), views=views, full=full) as build:
        # Within the record of the build: nothing archives a month again before it is over.
        with connect(postgres_url, autocommit=True) as connection:
            restored = restore_months_for_build(connection, data_dir / "archive", full=build.is_full)
        # Unit tests judge the SQL, not the data: they run with the tests of the project.
        arguments = ["build", "--exclude-resource-type", "unit_test"]
        arguments += ["--full-refresh"] if build.is_full else []
        arguments += _excluding([*exclude, *([_VIEWS, ALL_HISTORY] if build.keeps_views else [])])
        arguments += options
        results = run_dbt(
            arguments, postgres_url=postgres_url, data_dir=data_dir, dbt_dir=dbt_dir, on_node=on_node
        )
        seconds = time.monotonic() - started
        report = BuildReport(build.is_full, tuple(results), seconds, tuple(restored), build.keeps_views)
        build.is_good = report.is_good
    return report


def _excluding(selected: Sequence[str]) -> list[str]:
    # A test is left out where it is selected itself, not because of what it reads.
    return ["--indirect-selection", "empty", "--exclude", *selected] if selected else []
