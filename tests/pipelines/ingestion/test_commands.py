"""The commands as a person types them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from aurora.errors import ServiceNotConfiguredError
from pipelines.commands import register
from pipelines.ingestion.errors import MappingUnknownError
from pipelines.ingestion.mapping_files import mapping_names
from pipelines.ingestion.simulated_people import (
    SimulationExistsError,
    SimulationOfTheFutureError,
    SimulationToldFurtherError,
)
from tests.pipelines.ingestion.exports import a_record, apple_export
from tests.pipelines.ingestion.imports import (
    DATA_KEY,
    a_diary,
    an_envelope,
    event_count,
    ndjson,
    rows_of,
    value_of,
)

HEADER = "Id,SleepDay,TotalSleepRecords,TotalMinutesAsleep,TotalTimeInBed"
NIGHT = "7,4/12/2016 12:00:00 AM,1,327,346"


@pytest.fixture
def configured(committed_database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The commands find this database, as after `aurora up`."""
    monkeypatch.setenv("AURORA_POSTGRES_URL", committed_database)
    monkeypatch.setenv("AURORA_DATA_KEY", DATA_KEY)
    monkeypatch.setenv("AURORA_DATA_DIR", str(tmp_path / "data"))
    return committed_database


def aurora(*arguments: str | Path) -> tuple[int, str]:
    app = typer.Typer()
    register(app)
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, " ".join(result.output.split())


def test_import_shows_what_became_of_every_row(configured: str, tmp_path: Path) -> None:
    path = a_diary(tmp_path / "sleep.csv", NIGHT, NIGHT, header=HEADER)

    code, output = aurora("import", path, "--mapping", "fitabase_sleep")

    assert code == 0
    assert "rows │ 2" in output
    assert "accepted │ 1" in output
    assert "duplicate │ 1" in output
    assert "sleep.recorded 2" in output
    assert event_count(configured) == 1


def test_export_needs_no_mapping_and_says_what_became_of_every_record(
    configured: str, tmp_path: Path
) -> None:
    path = apple_export(tmp_path / "export.zip", a_record(), a_record("HKQuantityTypeIdentifierVO2Max"))

    code, output = aurora("import", path, "--user", "me")

    assert code == 0
    assert "rows │ 4" in output
    assert "with events │ 1" in output
    assert "not read │ 3" in output
    assert "AURORA has no such type: HKQuantityTypeIdentifierVO2Max 1" in output
    assert "are those of UTC" in output
    assert aurora("import", path, "--user", "me")[1].count("accepted │ 0") == 1
    assert event_count(configured) == 1


def test_import_goes_on_with_the_next_file_and_fails_in_the_end(configured: str, tmp_path: Path) -> None:
    picture = tmp_path / "picture.csv"
    picture.write_bytes(b"\x89PNG\r\n")
    path = a_diary(tmp_path / "sleep.csv", NIGHT, header=HEADER)

    code, output = aurora("import", picture, path, "--mapping", "fitabase_sleep")

    assert code == 1
    assert "not CSV but a PNG picture" in output
    assert event_count(configured) == 1


def test_import_that_is_held_back_says_so_and_fails(configured: str, tmp_path: Path) -> None:
    path = a_diary(tmp_path / "sleep.csv", NIGHT.replace("327", "9999"), header=HEADER)

    code, output = aurora("import", path, "--mapping", "fitabase_sleep", "--data-docs")

    assert code == 1
    assert "held back" in output
    assert "TotalMinutesAsleep lies outside 0 to 1440" in output
    assert event_count(configured) == 0
    assert (tmp_path / "data" / "data_docs" / "index.html").is_file()


def test_ndjson_needs_no_mapping_and_an_unknown_table_does(configured: str, tmp_path: Path) -> None:
    code, _ = aurora("import", ndjson(tmp_path / "own.ndjson", [an_envelope()]), "--user", "ana")
    assert (code, event_count(configured)) == (0, 1)

    code, output = aurora("import", a_diary(tmp_path / "sleep.csv", NIGHT, header=HEADER))
    assert code == 1
    assert "say what the columns mean" in output
    assert "Daylio" in output


def test_unknown_mapping_is_refused_before_anything_is_read(configured: str, tmp_path: Path) -> None:
    with pytest.raises(MappingUnknownError):
        aurora("import", tmp_path / "no.csv", "--mapping", "socermon")


def test_import_without_services_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AURORA_DATA_DIR", str(tmp_path))
    monkeypatch.chdir(tmp_path)

    with pytest.raises(ServiceNotConfiguredError, match="aurora up"):
        aurora("import", a_diary(tmp_path / "own.csv", NIGHT, header=HEADER), "--mapping", "fitabase_sleep")


def test_mappings_are_listed() -> None:
    code, output = aurora("mappings")

    assert code == 0
    assert all(name in output for name in mapping_names())


def test_simulated_people_are_imported_once_with_their_ceiling(configured: str, tmp_path: Path) -> None:
    arguments = ("simulate", "--users", "3", "--days", "8", "--seed", "5", "--ends-on", "2026-10-31")

    code, output = aurora(*arguments)

    assert code == 0
    assert "best attainable" in output
    assert "energy_mae: target < 1.00" in output
    count = event_count(configured)
    assert count > 100
    assert rows_of(
        configured, "select cohort, users, days, ceiling -> 'attainable' is not null from raw.simulations"
    ) == [("simulated-seed5", 3, 8, True)]
    assert value_of(configured, "select count(*) from app.users where cohort = 'simulated-seed5'") == 3
    truth = Path(value_of(configured, "select truth_path from raw.simulations"))
    assert truth.is_file()
    assert truth.is_relative_to(tmp_path / "data")

    # The same days without naming them: nothing new.
    assert aurora("simulate", "--users", "3", "--days", "8", "--seed", "5")[0] == 0
    assert event_count(configured) == count


def test_other_days_of_the_same_people_are_refused(configured: str) -> None:
    aurora("simulate", "--users", "2", "--days", "7", "--seed", "5", "--ends-on", "2026-10-31")

    with pytest.raises(SimulationExistsError, match="2026-10-31"):
        aurora("simulate", "--users", "2", "--days", "8", "--seed", "5")


def test_told_further_in_the_evening_only_the_hours_between_come_in(configured: str) -> None:
    whom = ("simulate", "--users", "3", "--days", "8", "--seed", "5")
    assert aurora(*whom, "--until", "2026-10-31T09:30")[0] == 0
    by_morning = event_count(configured)
    newest = "select max(known_at) from raw.events"
    assert value_of(configured, newest) <= datetime(2026, 10, 31, 9, 30, tzinfo=UTC)

    # Without naming it the same again, later more: what is there already is a duplicate.
    assert aurora(*whom)[0] == 0
    assert event_count(configured) == by_morning
    code, output = aurora(*whom, "--until", "2026-10-31T23:30+02:00")

    assert code == 0
    assert "until 2026-10-31 21:30 UTC" in output
    assert "conflict │ 0" in output
    assert event_count(configured) > by_morning
    assert value_of(configured, newest) <= datetime(2026, 10, 31, 21, 30, tzinfo=UTC)
    with pytest.raises(SimulationToldFurtherError, match="2026-10-31T21:30"):
        aurora(*whom, "--until", "2026-10-31T12:00")
    with pytest.raises(SimulationExistsError):
        aurora(*whom, "--until", "2026-11-01T12:00")


def test_nothing_is_told_of_the_future(configured: str) -> None:
    whom = ("simulate", "--users", "2", "--days", "7", "--seed", "5")
    today = datetime.now(UTC).date()
    tomorrow = today + timedelta(days=1)

    with pytest.raises(SimulationOfTheFutureError, match="--until now"):
        aurora(*whom, "--ends-on", tomorrow.isoformat())
    assert aurora(*whom, "--until", "now")[0] == 0
    assert value_of(configured, "select ends_on from raw.simulations") in {today, tomorrow}
    assert value_of(configured, "select max(coalesce(ended_at, started_at)) from raw.events") <= datetime.now(
        UTC
    )


def test_an_instant_that_is_none_is_refused(configured: str) -> None:
    code, output = aurora("simulate", "--until", "this evening")

    assert code == 2
    assert "neither `now` nor an instant" in output
