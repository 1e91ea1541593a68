"""Files that land are imported by Dagster: done, failed with a reason, or left for later."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import dagster as dg
import psycopg
import pytest

from aurora import clock
from pipelines.ingestion.assets import INGESTION_ASSETS
from pipelines.ingestion.checks import INGESTION_CHECKS
from pipelines.ingestion.landing import landed_files
from pipelines.ingestion.sensors import INGESTION_SENSORS, import_files_when_landed
from pipelines.resources import PostgresResource, SettingsResource, default_resources
from tests.pipelines.ingestion.exports import a_record, apple_xml

DATA_KEY = "ab" * 32
HEADER = "Id,SleepDay,TotalSleepRecords,TotalMinutesAsleep,TotalTimeInBed\n"

Land = Callable[[str, str], Path]


@pytest.fixture
def overrides(committed_database: str, tmp_path: Path) -> dict[str, str]:
    return {"postgres_url": committed_database, "data_key": DATA_KEY, "data_dir": str(tmp_path)}


@pytest.fixture
def resources(overrides: dict[str, str]) -> dict[str, Any]:
    settings = SettingsResource(overrides=overrides)
    return {"settings": settings, "postgres": PostgresResource(settings=settings)}


@pytest.fixture
def land(tmp_path: Path) -> Land:
    """Puts a file into the landing folder, as written a minute ago."""

    def put(place: str, content: str) -> Path:
        path = tmp_path / "landing" / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
        os.utime(path, (time.time() - 60, time.time() - 60))
        return path

    return put


def materialise(resources: dict[str, Any], day: str | None = None) -> dg.ExecuteInProcessResult:
    return dg.materialize(
        [*INGESTION_ASSETS, *INGESTION_CHECKS],
        resources=resources,
        partition_key=day or clock.now().date().isoformat(),
    )


def one(url: str, query: Any) -> Any:
    with psycopg.connect(url) as connection:
        row = connection.execute(query).fetchone()
        return row[0] if row else None


def test_landed_file_becomes_events_and_is_put_away(
    resources: dict[str, Any], land: Land, committed_database: str, tmp_path: Path
) -> None:
    path = land("fitabase_sleep/week.csv", HEADER + "7,4/12/2016 12:00:00 AM,1,327,346\n")

    result = materialise(resources)

    assert result.success
    assert one(committed_database, "select count(*) from raw.events") == 1
    assert not path.exists()
    assert [file.name[-8:] for file in (tmp_path / "landing/done/fitabase_sleep").iterdir()] == ["week.csv"]
    assert all(check.passed for check in result.get_asset_check_evaluations())


def test_folder_below_the_mapping_says_whose_rows_these_are(
    resources: dict[str, Any], land: Land, committed_database: str
) -> None:
    land("fitabase_sleep/ana/week.csv", HEADER + "7,4/12/2016 12:00:00 AM,1,327,346\n")

    materialise(resources)

    assert one(committed_database, "select username from app.users") == "fitabase:ana"


def test_file_that_cannot_be_imported_goes_to_failed_with_its_reason_and_the_others_go_on(
    resources: dict[str, Any], land: Land, committed_database: str, tmp_path: Path
) -> None:
    land("soccermon/picture.csv", "\x89PNG not really")
    land("no_such_mapping/week.csv", HEADER)
    land("fitabase_sleep/week.csv", HEADER + "7,4/12/2016 12:00:00 AM,1,327,346\n")

    assert materialise(resources).success

    reasons = {
        reason.parent.name: reason.read_text()
        for reason in (tmp_path / "landing/failed").rglob("*.reason.txt")
    }
    assert "player_id" in reasons["soccermon"]
    assert "no_such_mapping" in reasons["no_such_mapping"]
    assert one(committed_database, "select count(*) from raw.events") == 1


def test_batch_that_is_held_back_fails_with_the_rule_that_it_breaks(
    resources: dict[str, Any], land: Land, committed_database: str, tmp_path: Path
) -> None:
    land("fitabase_sleep/week.csv", HEADER + "7,4/12/2016 12:00:00 AM,1,99999,346\n")

    result = materialise(resources)

    (reason,) = (tmp_path / "landing/failed").rglob("*.reason.txt")
    assert "TotalMinutesAsleep lies outside 0 to 1440" in reason.read_text()
    (staged,) = result.asset_materializations_for_node("raw__import_rows")
    page = Path(str(staged.metadata["data docs of week.csv"].value))
    assert page.is_relative_to(tmp_path / "data_docs" / "held_back")
    assert "fitabase_sleep" in page.read_text()
    assert f"Data Docs: {page}" in reason.read_text()
    assert one(committed_database, "select state from raw.import_batches") == "held_back"
    assert one(committed_database, "select count(*) from raw.events") == 0


def test_file_named_after_its_mapping_needs_no_folder(
    resources: dict[str, Any], land: Land, committed_database: str
) -> None:
    land("fitabase_sleep-2016.csv", HEADER + "7,4/12/2016 12:00:00 AM,1,327,346\n")

    materialise(resources)

    assert one(committed_database, "select count(*) from raw.events") == 1


def test_export_in_a_persons_folder_is_recognised_by_its_content(
    resources: dict[str, Any], land: Land, committed_database: str, tmp_path: Path
) -> None:
    land("ana/whatever.bin", apple_xml(a_record()))
    land(
        "ben/diary.csv",
        "full_date,date,weekday,time,mood,activities,note_title,note\n2020-05-30,,,13:08,rad,,,\n",
    )
    land("carl/notes.txt", "nothing that anybody knows")

    materialise(resources)

    with psycopg.connect(committed_database) as connection:
        found = connection.execute(
            "select users.username, events.type from raw.events as events"
            " inner join app.users as users using (user_id) order by 1"
        ).fetchall()
    assert found == [("ana", "steps.counted"), ("ben", "mood.rated")]
    (reason,) = (tmp_path / "landing/failed").rglob("*.reason.txt")
    assert "no mapping is called 'carl', and nothing here knows this by its content" in reason.read_text()


def test_own_mapping_lies_beside_its_files(
    resources: dict[str, Any], land: Land, committed_database: str
) -> None:
    land(
        "my_scale/mapping.yaml",
        "title: mine\nsource: my-scale\nday: date\n"
        "events: [{name: weight, type: weight.measured, key: '{day}', payload: {weight_kg: kg}}]\n",
    )
    land("my_scale/ana/weights.csv", "date,kg\n2026-01-02,61.5\n")

    materialise(resources)

    assert one(committed_database, "select payload ->> 'weight_kg' from raw.events") == "61.5"


def test_earlier_arrival_day_leaves_the_landing_folder_alone(
    resources: dict[str, Any], land: Land, committed_database: str
) -> None:
    path = land("fitabase_sleep/week.csv", HEADER + "7,4/12/2016 12:00:00 AM,1,327,346\n")

    assert materialise(resources, "2026-01-05").success
    assert path.exists()


def test_sensor_asks_for_one_run_of_todays_partition(overrides: dict[str, str], land: Land) -> None:
    land("fitabase_sleep/week.csv", HEADER)
    context = dg.build_sensor_context(
        dg.DagsterInstance.ephemeral(), resources={"settings": SettingsResource(overrides=overrides)}
    )

    request = import_files_when_landed(context)

    assert isinstance(request, dg.RunRequest)
    assert request.partition_key == clock.now().date().isoformat()


def test_sensor_waits_for_files_that_are_still_being_written(
    overrides: dict[str, str], land: Land, tmp_path: Path
) -> None:
    path = land("fitabase_sleep/week.csv", HEADER)
    os.utime(path)
    land("fitabase_sleep/week.csv.part", HEADER)
    context = dg.build_sensor_context(
        dg.DagsterInstance.ephemeral(), resources={"settings": SettingsResource(overrides=overrides)}
    )

    assert isinstance(import_files_when_landed(context), dg.SkipReason)
    assert landed_files(tmp_path / "landing") == []


def test_assets_say_who_owns_them_what_they_are_and_of_which_columns() -> None:
    definitions = dg.Definitions(
        assets=INGESTION_ASSETS,
        asset_checks=INGESTION_CHECKS,
        sensors=INGESTION_SENSORS,
        resources=default_resources(),
    )
    specs = {"/".join(spec.key.path): spec for spec in definitions.resolve_all_asset_specs()}

    assert set(specs) == {
        "raw/import_rows",
        "raw/events",
        "raw/rejected_events",
        "raw/user_days",
        "raw/touched_days",
        "raw/event_keys",
        "raw/import_batches",
    }
    for spec in specs.values():
        assert spec.group_name == "events"
        assert spec.owners
        assert spec.description
        assert "One row per" in spec.description
        assert spec.kinds
        assert spec.metadata["dagster/column_schema"].columns
