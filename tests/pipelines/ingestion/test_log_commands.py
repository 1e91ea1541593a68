"""`aurora archive` and `aurora recompute-local-days` as a person types them, and as Dagster runs them."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import dagster as dg
import pytest

from aurora import clock
from aurora.settings import load_settings
from pipelines.ingestion.archive import MonthNotArchivedError
from pipelines.ingestion.local_days import follow_zone_data
from pipelines.ingestion.log_assets import (
    LOG_ASSETS,
    archived_files_are_whole,
    local_days_agree_with_the_zone_data,
    recompute_local_days,
)
from pipelines.resources import default_resources
from tests.pipelines.ingestion.imports import DATA_KEY, event_count, rows_of, value_of
from tests.pipelines.ingestion.test_archive import a_mood, folder, january, log, put, run
from tests.pipelines.ingestion.test_commands import aurora, configured

__all__ = ["configured", "folder", "january", "log"]

LATE = "2023-01-15T23:30:00+01:00"


@pytest.fixture
def new_rules(monkeypatch: pytest.MonkeyPatch) -> None:
    """Newer data, by which Oslo's clocks run one hour ahead of what they did."""
    monkeypatch.setattr(clock, "data_version", lambda: "2099a")
    monkeypatch.setattr(
        clock, "zone", lambda name: ZoneInfo("Europe/Athens" if name == "Europe/Oslo" else name)
    )


@pytest.fixture
def resources(committed_database: str, tmp_path: Path) -> dict[str, Any]:
    return default_resources(
        {"postgres_url": committed_database, "data_key": DATA_KEY, "data_dir": str(tmp_path / "data")}
    )


# --- the archive --------------------------------------------------------------------------------------------


def test_archive_runs_lists_checks_and_restores(january: str, configured: str) -> None:
    assert "Nothing is archived. " in aurora("archive", "list")[1]
    assert "Due: 2023-01" in aurora("archive", "list")[1]

    assert "Months archived: 1 (18 events" in aurora("archive", "run")[1]
    assert "Months archived: 0" in aurora("archive", "run")[1]
    code, listed = aurora("archive", "list", "--check")
    assert code == 0
    assert "2023-01 │ archived │ 18" in listed
    assert event_count(configured) == 1

    assert "18 events of 2023-01 are back in the log" in aurora("archive", "restore", "2023-01")[1]
    assert "is in the log already" in aurora("archive", "restore", "2023-01")[1]
    assert event_count(configured) == 19
    assert "Months archived: 0" in aurora("archive", "run")[1]


def test_list_fails_when_a_file_is_missing(january: str, configured: str) -> None:
    aurora("archive", "run")
    for path in load_settings().archive_dir.iterdir():
        path.unlink()

    code, listed = aurora("archive", "list", "--check")

    assert code == 1
    assert "│ missing │" in listed


def test_restore_says_when_there_is_nothing(configured: str) -> None:
    with pytest.raises(MonthNotArchivedError):
        aurora("archive", "restore", "2001-01")


def test_age_is_a_setting_and_an_option(
    january: str, configured: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AURORA_ARCHIVE_AFTER_DAYS", "20000")

    assert "Months archived: 0" in aurora("archive", "run")[1]
    assert "Months archived: 1" in aurora("archive", "run", "--older-than-days", "730")[1]


def test_dagster_archives_and_checks_the_files(january: str, resources: dict[str, Any]) -> None:
    result = dg.materialize([*LOG_ASSETS, archived_files_are_whole], resources=resources)

    assert result.success
    assert all(check.passed for check in result.get_asset_check_evaluations())
    assert value_of(january, "select state from raw.event_archives") == "archived"


# --- local days ---------------------------------------------------------------------------------------------


def test_nothing_is_done_while_the_log_agrees(configured: str) -> None:
    assert "nothing to do" in aurora("recompute-local-days")[1]


def test_recomputation_says_what_it_found(configured: str, new_rules: None) -> None:
    with pytest.MonkeyPatch.context() as before:
        before.setattr(clock, "zone", ZoneInfo)
        put(configured, a_mood(), a_mood(started_at=LATE))

    code, output = aurora("recompute-local-days")

    assert code == 0
    assert (
        "→ 2099a: 2 events looked at. moved to another local day 1 only their clock time changed 1" in output
    )
    assert value_of(configured, "select count(*) from raw.events") == 4
    assert "nothing to do" in aurora("recompute-local-days")[1]
    assert "2 events looked at. moved to another local day 0" in aurora("recompute-local-days", "--again")[1]


def test_archived_months_come_back_only_where_a_day_is_another(
    january: str, log: Any, folder: Path, new_rules: None
) -> None:
    with pytest.MonkeyPatch.context() as before:
        before.setattr(clock, "zone", ZoneInfo)
        put(january, a_mood("2022-12-05", tz="Europe/Vienna"), a_mood(started_at=LATE))
    assert len(run(log, folder).archived) == 2

    found = follow_zone_data(log, folder)

    assert found.restored == (date(2023, 1, 1),)
    assert found.log.moved == 1
    days = rows_of(january, "select version, local_date from raw.events where started_at = %s", LATE)
    assert sorted(days) == [(1, date(2023, 1, 15)), (2, date(2023, 1, 16))]


def test_dagster_recomputes_and_its_check_turns_green(
    committed_database: str, resources: dict[str, Any], new_rules: None
) -> None:
    with pytest.MonkeyPatch.context() as before:
        before.setattr(clock, "zone", ZoneInfo)
        put(committed_database, a_mood(started_at=LATE))
    assert not _agrees(resources)

    assert recompute_local_days.execute_in_process(resources=resources).success

    assert _agrees(resources)
    assert rows_of(
        committed_database, "select tzdata_version, events_moved from raw.zone_data order by started_at"
    )[-1] == ("2099a", 1)


def _agrees(resources: dict[str, Any]) -> bool:
    found = local_days_agree_with_the_zone_data(resources["postgres"])
    assert isinstance(found, dg.AssetCheckResult)
    return bool(found.passed)
