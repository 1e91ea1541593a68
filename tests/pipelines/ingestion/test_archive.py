"""Months go to Parquet and come back, whatever is killed, and nothing is lost on either way."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, LiteralString
from uuid import UUID, uuid4

import psycopg
import pyarrow.parquet as pq
import pytest

from aurora.database.grants import PIPELINES
from aurora.database.locks import session_lock
from aurora.database.partitions import ensure_partitions
from aurora.events.ciphertext import open_text
from pipelines.ingestion import archive
from pipelines.ingestion.archive import (
    ArchiveReport,
    ArchiveRunningError,
    MonthNotArchivedError,
    archive_months,
    restore_month,
)
from pipelines.ingestion.archive_files import ArchiveFileError, sha256_of
from pipelines.ingestion.archive_manifests import due_months, find_damage, months_of_person, read_manifests
from pipelines.transformation.builds import recorded_build
from tests.aurora.events.received import USER, a_received_mood, accepted
from tests.aurora.events.test_storage import import_events

Connection = psycopg.Connection[Any]

LONG_AGO = datetime(2023, 1, 20, 12, tzinfo=UTC)
NOW = datetime(2025, 3, 1, tzinfo=UTC)
TWO_YEARS = timedelta(days=730)
JANUARY, FEBRUARY = date(2023, 1, 1), date(2023, 2, 1)


def a_mood(day: str = "2023-01-15", **changes: Any) -> dict[str, Any]:
    return a_received_mood(**{"started_at": f"{day}T09:00:00+01:00", "payload": {"valence": 0.25}, **changes})


def put(url: str, *received: dict[str, Any], at: datetime = LONG_AGO, user_id: UUID = USER) -> dict[str, int]:
    return import_events(url, [accepted(body, received_at=at, user_id=user_id) for body in received])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "archive"


@pytest.fixture
def log(committed_database: str, role_url: Callable[..., str]) -> Iterator[Connection]:
    """As the role of the pipelines: it owns nothing of the log."""
    with psycopg.connect(role_url(PIPELINES, committed_database), autocommit=True) as connection:
        yield connection


@pytest.fixture
def january(committed_database: str) -> str:
    """A log whose January of 2023 was stored then."""
    put(committed_database, *(a_mood(f"2023-01-{day:02}") for day in range(1, 19)))
    put(committed_database, a_mood("2025-02-15"), at=datetime(2025, 2, 16, tzinfo=UTC))
    return committed_database


def run(log: Connection, folder: Path, now: datetime = NOW) -> ArchiveReport:
    return archive_months(log, folder, now=now, after=TWO_YEARS)


def contents(log: Connection) -> list[tuple[Any, ...]]:
    return log.execute("select * from raw.events order by user_id, event_id, version").fetchall()


def states(log: Connection) -> list[tuple[Any, ...]]:
    return log.execute("select month, state from raw.event_archives order by written_at").fetchall()


def value(log: Connection, query: LiteralString) -> Any:
    row = log.execute(query).fetchone()
    return row[0] if row else None


def partition_exists(log: Connection, month: date = JANUARY) -> bool:
    return log.execute("select to_regclass(%s)", (f"raw.events_{month:%Y_%m}",)).fetchone() != (None,)


# --- what is due --------------------------------------------------------------------------------------------


def test_month_is_due_two_years_after_it_was_first_stored(january: str, log: Connection) -> None:
    assert due_months(log, LONG_AGO + TWO_YEARS, TWO_YEARS) == []
    assert due_months(log, LONG_AGO + TWO_YEARS + timedelta(seconds=1), TWO_YEARS) == [JANUARY]


def test_old_events_that_were_stored_lately_are_not_due(committed_database: str, log: Connection) -> None:
    put(committed_database, a_mood(), at=NOW - timedelta(days=5))

    assert due_months(log, NOW, TWO_YEARS) == []


def test_month_that_is_not_over_is_not_due(committed_database: str, log: Connection) -> None:
    put(committed_database, a_mood())

    assert due_months(log, datetime(2023, 1, 31, tzinfo=UTC), timedelta(days=1)) == []
    assert due_months(log, datetime(2023, 2, 1, tzinfo=UTC), timedelta(days=1)) == [JANUARY]


# --- there and back -----------------------------------------------------------------------------------------


def test_month_goes_to_a_file_and_its_partition_goes(january: str, log: Connection, folder: Path) -> None:
    report = run(log, folder)

    assert (report.archived, report.rows) == ([JANUARY], 18)
    assert not partition_exists(log)
    assert value(log, "select count(*) from raw.events") == 1
    assert value(log, "select count(*) from raw.event_keys") == 19
    [manifest] = read_manifests(log)
    path = folder / manifest.file_name
    assert (manifest.state, manifest.row_count, manifest.file_sha256) == ("archived", 18, sha256_of(path))
    assert pq.read_table(path).num_rows == 18
    assert path.stat().st_mode & 0o077 == 0


def test_restored_month_is_to_the_last_bit_what_it_was(
    committed_database: str, log: Connection, folder: Path
) -> None:
    odd = 'quote " backslash \\ newline \n tab \t \\N ünï 🌙'
    put(
        committed_database,
        a_mood(payload={"valence": 0.1, "labels": ["calm"]}, source={"name": odd, "device": "x"}),
        a_mood(form_id="", is_deleted=True) | {"form_id": "f"},
        a_mood("2023-01-19", tz="Pacific/Apia", precision="day"),
        a_mood("2023-01-10", ended_at="2023-01-10T10:00:00.000001+01:00"),
    )
    before = contents(log)
    run(log, folder)

    assert restore_month(log, folder, JANUARY) == 4
    assert contents(log) == before


def test_note_lies_in_the_file_as_ciphertext(committed_database: str, log: Connection, folder: Path) -> None:
    from aurora.events.ciphertext import seal_text

    key, body = b"k" * 32, a_mood()
    event_id = UUID(body["event_id"])
    put(committed_database, body)
    with psycopg.connect(committed_database) as owner:
        owner.execute("alter table raw.events disable trigger history_is_append_only")
        owner.execute(
            "update raw.events set note_ciphertext = %s", (seal_text(key, event_id, "by the lake"),)
        )
        owner.execute("alter table raw.events enable trigger history_is_append_only")
    run(log, folder)

    [path] = folder.iterdir()
    assert b"lake" not in path.read_bytes()
    [sealed] = pq.read_table(path)["note_ciphertext"].to_pylist()
    assert open_text(key, event_id, sealed) == "by the lake"


def test_repeated_runs_and_restores_change_nothing_more(january: str, log: Connection, folder: Path) -> None:
    run(log, folder)
    again = run(log, folder)
    restored = [restore_month(log, folder, date(2023, 1, 17)) for _ in range(2)]

    assert again.archived == []
    assert restored == [18, 0]
    assert value(log, "select count(*) from raw.events") == 19


def test_restored_month_goes_again_without_being_written_again(
    january: str, log: Connection, folder: Path
) -> None:
    run(log, folder)
    [path] = folder.iterdir()
    written = path.stat().st_mtime_ns
    restore_month(log, folder, JANUARY)

    assert run(log, folder).archived == [JANUARY]
    assert [file.stat().st_mtime_ns for file in folder.iterdir()] == [written]


def test_restored_month_stays_as_long_as_it_was_asked_for(
    january: str, log: Connection, folder: Path
) -> None:
    run(log, folder)
    restore_month(log, folder, JANUARY, keep_until=NOW + timedelta(days=30))

    assert run(log, folder, NOW + timedelta(days=29)).archived == []
    assert run(log, folder, NOW + timedelta(days=31)).archived == [JANUARY]


def test_month_that_nobody_archived_cannot_be_restored(log: Connection, folder: Path) -> None:
    with pytest.raises(MonthNotArchivedError, match="2023-01 is not in the archive"):
        restore_month(log, folder, JANUARY)


# --- what comes late ----------------------------------------------------------------------------------------


def test_late_event_of_an_archived_month_joins_the_others(
    january: str, log: Connection, folder: Path
) -> None:
    run(log, folder)
    put(january, a_mood("2023-01-20"), at=NOW)
    assert value(log, "select count(*) from raw.events") == 2

    restore_month(log, folder, JANUARY)
    assert value(log, "select count(*) from raw.events") == 20
    report = run(log, folder)

    assert (report.archived, report.rows) == ([JANUARY], 19)
    assert states(log) == [(JANUARY, "replaced"), (JANUARY, "archived")]
    assert len(list(folder.iterdir())) == 1


def test_late_event_goes_to_the_archive_by_itself_when_it_is_old_enough(
    january: str, log: Connection, folder: Path
) -> None:
    run(log, folder)
    put(january, a_mood("2023-01-20"), at=NOW)

    assert run(log, folder, NOW + timedelta(days=100)).archived == []
    report = run(log, folder, NOW + TWO_YEARS + timedelta(days=60))

    assert (JANUARY in report.archived, report.rows) == (True, 20)
    assert [manifest.row_count for manifest in read_manifests(log)] == [19, 1]


def test_keys_remember_an_archived_event(january: str, log: Connection, folder: Path) -> None:
    event = a_mood("2023-01-05")
    put(january, event)
    run(log, folder)

    same = put(january, event, at=NOW)
    clash = put(january, event | {"payload": {"valence": -1}}, at=NOW)
    moved = put(january, event | {"version": 2, "started_at": "2025-02-10T09:00:00+01:00"}, at=NOW)

    assert (same["duplicate"], clash["conflict"], moved["accepted"]) == (1, 1, 1)
    touched = {day for (day,) in log.execute("select distinct local_date from raw.touched_days").fetchall()}
    assert {date(2023, 1, 5), date(2025, 2, 10)} <= touched
    current = log.execute(
        "select version from raw.current_events where event_id = %s", (event["event_id"],)
    ).fetchall()
    assert current == [(2,)]
    restore_month(log, folder, JANUARY)
    assert log.execute(
        "select version from raw.current_events where event_id = %s", (event["event_id"],)
    ).fetchall() == [(2,)]


def test_event_that_comes_while_the_month_is_written_is_not_lost(
    january: str, log: Connection, folder: Path
) -> None:
    def late(month: date, what: str) -> None:
        if what == "taking it off the log":
            put(january, a_mood("2023-01-21"), at=NOW)

    report = archive_months(log, folder, now=NOW, after=TWO_YEARS, on_month=late)

    assert (report.archived, report.postponed) == ([], [JANUARY])
    assert value(log, "select count(*) from raw.events") == 20
    assert run(log, folder).rows == 19
    assert len(list(folder.iterdir())) == 1


def test_erased_person_does_not_come_back(january: str, log: Connection, folder: Path) -> None:
    other = uuid4()
    put(january, a_mood(), user_id=other)
    run(log, folder)
    with psycopg.connect(january) as owner:
        owner.execute("select set_config('aurora.erasure_of', %s, true)", (str(other),))
        owner.execute("delete from raw.event_keys where user_id = %s", (other,))

    assert months_of_person(log, folder, other) == [JANUARY]
    assert restore_month(log, folder, JANUARY) == 18
    assert run(log, folder).rows == 18
    [path] = folder.iterdir()
    assert months_of_person(log, folder, other) == []
    assert str(other) not in pq.read_table(path)["user_id"].to_pylist()


# --- what can go wrong --------------------------------------------------------------------------------------

STEPS = ("write_month", "read_back", "_drop")


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("before", [True, False], ids=["before", "after"])
def test_run_that_was_killed_is_taken_up_by_the_next(
    step: str,
    before: bool,
    january: str,
    log: Connection,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    everything = contents(log)
    real = getattr(archive, step)

    def killed(*arguments: Any, **options: Any) -> Any:
        if not before:
            real(*arguments, **options)
        raise KeyboardInterrupt

    with monkeypatch.context() as context:
        context.setattr(archive, step, killed)
        with pytest.raises(KeyboardInterrupt):
            run(log, folder)
    folder.mkdir(exist_ok=True)
    (folder / "events-2023-01.part").write_bytes(b"half")
    run(log, folder)

    assert not partition_exists(log)
    assert [state for _, state in states(log) if state != "replaced"] == ["archived"]
    assert not list(folder.glob("*.part"))
    restore_month(log, folder, JANUARY)
    assert contents(log) == everything


def test_restore_that_was_killed_left_nothing_behind(
    january: str, log: Connection, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(log, folder)

    def killed(*_: Any) -> Any:
        raise KeyboardInterrupt

    with monkeypatch.context() as context:
        context.setattr(archive, "ensure_partitions", killed)
        with pytest.raises(KeyboardInterrupt):
            restore_month(log, folder, JANUARY)

    assert not partition_exists(log)
    assert restore_month(log, folder, JANUARY) == 18


def test_file_that_does_not_give_back_what_was_written_takes_nothing_off_the_log(
    january: str, log: Connection, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = archive.read_back

    def forgetful(connection: Connection, *arguments: Any) -> None:
        real(connection, *arguments)
        connection.execute("delete from pg_temp.rows_of_archive where version = 1 and ctid = '(0,1)'")

    monkeypatch.setattr(archive, "read_back", forgetful)

    with pytest.raises(archive.ArchiveUnfaithfulError, match="nothing was taken off the log"):
        run(log, folder)

    assert partition_exists(log)
    assert list(folder.iterdir()) == []


def test_damaged_and_missing_files_are_named(january: str, log: Connection, folder: Path) -> None:
    run(log, folder)
    [path] = folder.iterdir()
    whole = path.read_bytes()
    assert find_damage(log, folder) == {}

    path.write_bytes(whole[:-1])
    assert find_damage(log, folder) == {path.name: "changed"}
    with pytest.raises(ArchiveFileError, match="SHA-256 differs"):
        restore_month(log, folder, JANUARY)
    path.unlink()
    assert find_damage(log, folder) == {path.name: "missing"}
    with pytest.raises(ArchiveFileError, match="is not there"):
        restore_month(log, folder, JANUARY)
    path.write_bytes(whole)
    assert restore_month(log, folder, JANUARY) == 18


def test_month_waits_while_a_build_reads_the_log(january: str, log: Connection, folder: Path) -> None:
    with recorded_build(january, definition="x"):
        assert run(log, folder).postponed == [JANUARY]

    assert run(log, folder).archived == [JANUARY]


def test_month_waits_while_a_long_query_reads_the_log(
    january: str, log: Connection, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archive, "ATTEMPTS", 1)
    with psycopg.connect(january) as reader:
        reader.execute("select count(*) from raw.events")
        assert run(log, folder).postponed == [JANUARY]

    assert run(log, folder).archived == [JANUARY]


def test_the_owner_drops_no_month_that_is_not_in_its_file(
    january: str, log: Connection, folder: Path
) -> None:
    run(log, folder)
    [manifest] = read_manifests(log)
    restore_month(log, folder, JANUARY)
    put(january, a_mood("2023-01-22"), at=NOW)

    with pytest.raises(psycopg.errors.ObjectNotInPrerequisiteState, match="has changed since"):
        log.execute("select raw.drop_archived_month(%s, %s)", (JANUARY, manifest.file_name))
    with pytest.raises(psycopg.errors.ObjectNotInPrerequisiteState, match="there is no file"):
        log.execute("select raw.drop_archived_month(%s, 'nothing.parquet')", (JANUARY,))
    with psycopg.connect(january) as owner:
        owner.execute("alter table raw.events add column mood text")
        owner.commit()
        with pytest.raises(psycopg.errors.ObjectNotInPrerequisiteState, match="lacks the columns mood"):
            owner.execute("select raw.drop_archived_month(%s, %s)", (JANUARY, manifest.file_name))


def test_one_run_at_a_time(january: str, log: Connection, folder: Path) -> None:
    with (
        psycopg.connect(january, autocommit=True) as other,
        session_lock(other, archive.LOCK, patience=0),
        pytest.raises(ArchiveRunningError),
    ):
        run(log, folder)


def test_empty_month_stays(log: Connection, folder: Path, committed_database: str) -> None:
    ensure_partitions(log, [FEBRUARY])

    assert run(log, folder).archived == []
    assert partition_exists(log, FEBRUARY)
