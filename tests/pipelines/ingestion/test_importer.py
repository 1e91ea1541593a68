"""Imports into a real Postgres: every row is accounted for, and repeating one changes nothing."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import pytest

from aurora import clock
from aurora.database.grants import PIPELINES
from aurora.errors import ServiceUnavailableError, UnknownTimeZoneError
from aurora.events.ciphertext import open_text, unwrap
from aurora.events.people import Person, ensure_people
from pipelines.ingestion import storing
from pipelines.ingestion.data_docs import WantedDocs
from pipelines.ingestion.errors import FileUnusableError, ImportRunningError, PersonMissingError
from pipelines.ingestion.importer import ImportRequest, staged_import
from tests.pipelines.ingestion.imports import (
    DATA_KEY,
    a_diary,
    a_mapping,
    an_envelope,
    event_count,
    ndjson,
    rows_of,
    run_import,
    value_of,
)

WEEK = tuple(f"ana,2026-03-0{day},7.5,4" for day in range(1, 8))


def test_rows_become_events_empty_or_rejected_and_nothing_else(
    committed_database: str, tmp_path: Path
) -> None:
    path = a_diary(
        tmp_path / "diary.csv",
        "ana,2026-03-01,7.5,4",
        "ana,2026-03-02,,",  # empty
        "ana,2026-03-03,seven,4",  # a mood, and a sleep that cannot be read
        "ana,2026-03-04,seven,",  # only what cannot be read
        "ana,2026-03-05,7.5,9",  # breaks a row expectation
        "ana,2026-03-06",  # is no row
        "ana,2026-03-07,30,",  # more hours than a day has
    )

    summary = run_import(committed_database, path, a_mapping(max_rejected_share=0.9))

    assert (summary.rows, summary.rows_with_events, summary.rows_empty, summary.rows_rejected) == (7, 2, 1, 4)
    assert summary.rows_are_accounted_for
    assert dict(+summary.outcomes) == {"accepted": 3, "rejected": 3}
    assert dict(summary.reasons) == {"invalid_payload": 3, "row_expectation": 1, "undecodable": 1}
    letters = rows_of(
        committed_database, "select row_number, reason_code, reason from raw.rejected_events order by 1"
    )
    assert [(number, code) for number, code, _ in letters] == [
        (3, "invalid_payload"),
        (4, "invalid_payload"),
        (5, "row_expectation"),
        (6, "undecodable"),
        (7, "invalid_payload"),
    ]
    assert "mood lies outside 1 to 5" in letters[2][2]


def test_batch_row_says_what_became_of_the_file(committed_database: str, tmp_path: Path) -> None:
    run_import(committed_database, a_diary(tmp_path / "diary.csv", *WEEK, "ana,2026-03-08,,"), a_mapping())

    assert rows_of(
        committed_database,
        "select file_name, mapping, cohort, state, row_count, accepted, duplicate, rejected, empty,"
        " arrival_date, finished_at is not null from raw.import_batches",
    ) == [("diary.csv", "diary", "real", "done", 8, 14, 0, 0, 1, clock.now().date(), True)]


def test_second_import_of_a_file_adds_nothing(committed_database: str, tmp_path: Path) -> None:
    path = a_diary(tmp_path / "diary.csv", *WEEK, "ana,2026-03-08,seven,")
    run_import(committed_database, path, a_mapping())
    before = rows_of(committed_database, "select * from raw.events order by event_id")

    summary = run_import(committed_database, path, a_mapping())

    assert dict(+summary.outcomes) == {"duplicate": 14, "rejected": 1}
    assert summary.rows_are_accounted_for
    assert rows_of(committed_database, "select * from raw.events order by event_id") == before
    assert value_of(committed_database, "select count(*) from raw.rejected_events") == 1
    assert rows_of(committed_database, "select accepted, duplicate from raw.import_batches") == [(14, 0)]


def test_other_file_with_the_same_rows_adds_nothing_either(committed_database: str, tmp_path: Path) -> None:
    run_import(committed_database, a_diary(tmp_path / "first.csv", *WEEK), a_mapping())

    summary = run_import(
        committed_database, a_diary(tmp_path / "second.csv", *WEEK, "ana,2026-03-08,7,"), a_mapping()
    )

    assert dict(+summary.outcomes) == {"duplicate": 14, "accepted": 1}


def test_changed_row_is_the_next_version_and_its_return_another(
    committed_database: str, tmp_path: Path
) -> None:
    for name, hours in (("1", "7"), ("2", "8"), ("2", "8"), ("3", "7")):
        path = a_diary(tmp_path / f"{name}.csv", f"ana,2026-03-01,{hours},", f"# {name},2026-03-02,,")
        run_import(committed_database, path, a_mapping())

    assert rows_of(
        committed_database,
        "select version, (payload ->> 'asleep_minutes')::float from raw.events order by version",
    ) == [(1, 420.0), (2, 480.0), (3, 420.0)]


def test_repeated_row_is_a_duplicate_and_a_contradicting_one_a_conflict(
    committed_database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(storing, "SLICE_SIZE", 1)
    monkeypatch.setattr("pipelines.ingestion.staging.PAGE_ROWS", 1)
    path = a_diary(tmp_path / "diary.csv", "ana,2026-03-01,7,", "ana,2026-03-01,7,", "ana,2026-03-01,8,")

    for expected in ({"accepted": 1, "duplicate": 1, "conflict": 1}, {"duplicate": 2, "conflict": 1}):
        assert dict(+run_import(committed_database, path, a_mapping()).outcomes) == expected
    assert rows_of(committed_database, "select row_number, reason_code from raw.rejected_events") == [
        (3, "conflict")
    ]
    assert event_count(committed_database) == 1


def test_too_many_broken_rows_hold_the_batch_back_until_it_is_judged_again(
    committed_database: str, tmp_path: Path
) -> None:
    path = a_diary(tmp_path / "diary.csv", *(f"ana,2026-03-0{day},7,{day}" for day in range(3, 9)))

    held = run_import(committed_database, path, a_mapping(max_rejected_share=0.1))

    assert held.held_back_because is not None
    assert "mood lies outside 1 to 5 (3 rows, 50 % of those that say it)" in held.held_back_because
    assert value_of(committed_database, "select state from raw.import_batches") == "held_back"
    assert event_count(committed_database) == 0

    wider = run_import(committed_database, path, a_mapping(max_rejected_share=0.6))

    assert (wider.state, wider.outcomes["accepted"], wider.rows_rejected) == ("done", 6, 3)


def test_every_broken_row_is_found_however_many_there_are(committed_database: str, tmp_path: Path) -> None:
    first = date(2025, 1, 1)
    rows = (f"ana,{first + timedelta(days=number)},7,{9 if number % 3 else 4}" for number in range(300))

    summary = run_import(
        committed_database, a_diary(tmp_path / "d.csv", *rows), a_mapping(max_rejected_share=0.7)
    )

    assert (summary.rows_with_events, summary.rows_rejected) == (100, 200)


def test_repaired_mapping_settles_the_dead_letters(committed_database: str, tmp_path: Path) -> None:
    path = a_diary(tmp_path / "diary.csv", *WEEK, "ana,2026-03-08,,9")
    run_import(committed_database, path, a_mapping())
    rules = [{"column": "mood", "between": [1, 10]}]
    moods = a_mapping().model_dump(by_alias=True)["events"]
    moods[1]["payload"]["valence"]["scale"]["from"] = [1, 10]

    run_import(committed_database, path, a_mapping(rules=rules, events=moods))

    assert value_of(committed_database, "select replayed_at is not null from raw.rejected_events")
    assert value_of(committed_database, "select max(version) from raw.events where type = 'mood.rated'") == 2


def test_killed_import_goes_on_where_it_stopped(
    committed_database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        """Nothing in the importer catches this, as nothing catches SIGKILL."""

    class KillAtFirstSlice:
        def begin(self, stage: str, _total: int) -> None:
            self.stage = stage

        def reach(self, _done: int) -> None:
            if self.stage == "store":
                raise Killed

    monkeypatch.setattr(storing, "SLICE_SIZE", 4)
    monkeypatch.setattr("pipelines.ingestion.staging.PAGE_ROWS", 3)
    path = a_diary(tmp_path / "diary.csv", *WEEK)
    with pytest.raises(Killed):
        run_import(committed_database, path, a_mapping(), progress=KillAtFirstSlice())
    assert rows_of(committed_database, "select state, accepted from raw.import_batches") == [("storing", 6)]

    summary = run_import(committed_database, path, a_mapping())

    assert (summary.outcomes["accepted"], summary.outcomes["duplicate"]) == (8, 6)
    assert event_count(committed_database) == 14
    assert rows_of(committed_database, "select state, accepted, duplicate from raw.import_batches") == [
        ("done", 14, 0)
    ]


def test_import_killed_while_reading_leaves_no_rows_behind(committed_database: str, tmp_path: Path) -> None:
    class KillWhileReading:
        def begin(self, _stage: str, _total: int) -> None:
            pass

        def reach(self, _done: int) -> None:
            raise KeyboardInterrupt

    path = a_diary(tmp_path / "diary.csv", *WEEK)
    with pytest.raises(KeyboardInterrupt):
        run_import(committed_database, path, a_mapping(), progress=KillWhileReading())

    assert value_of(committed_database, "select count(*) from raw.import_rows") == 0
    assert run_import(committed_database, path, a_mapping()).outcomes["accepted"] == 14


def test_two_processes_do_not_import_one_file_at_the_same_time(
    committed_database: str, tmp_path: Path
) -> None:
    path = a_diary(tmp_path / "diary.csv", *WEEK)
    request = ImportRequest(path, a_mapping())
    with (
        staged_import(request, postgres_url=committed_database, data_key=DATA_KEY),
        pytest.raises(ImportRunningError, match="another process"),
    ):
        run_import(committed_database, path, a_mapping())


def test_file_that_turns_out_unusable_is_recorded_as_failed(committed_database: str, tmp_path: Path) -> None:
    path = tmp_path / "diary.csv"
    path.write_bytes(b"who,date,hours,mood\nana,2026-03-01,7,4\nj\xf6rg,2026-03-01,7,4\n")

    with pytest.raises(FileUnusableError):
        run_import(committed_database, path, a_mapping())

    assert rows_of(committed_database, "select state from raw.import_batches") == [("failed",)]
    assert value_of(committed_database, "select count(*) from raw.import_rows") == 0


def test_postgres_that_does_not_answer_is_said(tmp_path: Path) -> None:
    with pytest.raises(ServiceUnavailableError, match="Postgres does not answer"):
        run_import("postgresql://nobody@127.0.0.1:1/aurora", a_diary(tmp_path / "d.csv", *WEEK), a_mapping())


def test_people_are_made_in_the_cohort_with_the_zone_of_the_rows(
    committed_database: str, tmp_path: Path
) -> None:
    path = a_diary(tmp_path / "diary.csv", "ana,2026-03-01,7,", "ben,2026-03-01,7,")

    summary = run_import(committed_database, path, a_mapping(), cohort="study", tz="Asia/Tokyo")

    assert summary.people == 2
    assert rows_of(committed_database, "select username, cohort, tz from app.users order by username") == [
        ("study:ana", "study", "Asia/Tokyo"),
        ("study:ben", "study", "Asia/Tokyo"),
    ]
    assert value_of(committed_database, "select min(started_at) from raw.events") == datetime(
        2026, 2, 28, 15, tzinfo=UTC
    )


def test_unknown_time_zone_is_refused(committed_database: str, tmp_path: Path) -> None:
    with pytest.raises(UnknownTimeZoneError):
        run_import(committed_database, a_diary(tmp_path / "d.csv", *WEEK), a_mapping(), tz="Mars/Olympus")


def test_user_takes_every_row_whatever_it_says_itself(committed_database: str, tmp_path: Path) -> None:
    person = Person(uuid4(), "carla", "Europe/Lisbon", "real")
    with psycopg.connect(committed_database) as connection:
        ensure_people(connection, [person], DATA_KEY)
    path = a_diary(tmp_path / "diary.csv", "ana,2026-03-01,7,", ",2026-03-02,7,")

    summary = run_import(committed_database, path, a_mapping(), user="carla")

    assert (summary.people, summary.outcomes["accepted"]) == (1, 2)
    assert rows_of(committed_database, "select distinct user_id, tz from raw.events") == [
        (person.user_id, "Europe/Lisbon")
    ]


def test_one_file_can_be_imported_for_two_people(committed_database: str, tmp_path: Path) -> None:
    path = a_diary(tmp_path / "diary.csv", "ana,2026-03-01,7,")

    for user in ("carla", "dana"):
        assert run_import(committed_database, path, a_mapping(), user=user).outcomes["accepted"] == 1
    assert value_of(committed_database, "select count(*) from raw.import_batches") == 2


def test_rows_that_name_nobody_need_a_user(committed_database: str, tmp_path: Path) -> None:
    with pytest.raises(PersonMissingError, match="--user"):
        run_import(committed_database, a_diary(tmp_path / "d.csv", *WEEK), a_mapping(user=None, rules=[]))


def test_nothing_is_imported_for_a_person_who_was_erased(committed_database: str, tmp_path: Path) -> None:
    path = a_diary(tmp_path / "diary.csv", "ana,2026-03-01,7,", "ben,2026-03-01,7,")
    run_import(committed_database, path, a_mapping())
    with psycopg.connect(committed_database) as connection:
        connection.execute("update app.users set deleted_at = now() where username = 'ana'")

    later = a_diary(tmp_path / "later.csv", "ana,2026-03-02,7,", "ben,2026-03-02,7,")
    summary = run_import(committed_database, later, a_mapping())

    assert (summary.outcomes["accepted"], dict(summary.reasons)) == (1, {"unmapped_user": 1})
    with pytest.raises(PersonMissingError, match="has been erased"):
        run_import(committed_database, later, a_mapping(), user="ana")


def test_process_of_the_pipelines_may_do_all_of_it(
    committed_database: str, role_url: Callable[..., str], tmp_path: Path
) -> None:
    url = role_url(PIPELINES, committed_database)
    path = a_diary(tmp_path / "diary.csv", *WEEK, "ana,2026-03-08,seven,")

    for _ in range(2):
        assert run_import(url, path, a_mapping()).state == "done"


# --- events in the envelope


def test_envelopes_are_accepted_corrected_repeated_and_contradicted(
    committed_database: str, tmp_path: Path
) -> None:
    first = an_envelope()
    path = ndjson(
        tmp_path / "events.ndjson",
        [
            first,
            first,
            first | {"payload": {"energy": 3}},
            first | {"version": 2, "payload": {"energy": 4}},
            an_envelope(),
        ],
    )

    summary = run_import(committed_database, path, "events")

    assert dict(+summary.outcomes) == {"accepted": 2, "duplicate": 1, "superseded": 1, "conflict": 1}
    assert summary.rows_are_accounted_for
    assert run_import(committed_database, path, "events").outcomes["duplicate"] == 4


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"type": "energy.guessed"}, "unknown_type"),
        ({"payload": {"energy": 11}}, "invalid_payload"),
        ({"payload": {"energy": "6"}}, "invalid_payload"),
        ({"type": "weight.measured", "payload": {"weight_lb": 150}}, "invalid_payload"),
        ({"started_at": "2026-03-01T08:00:00"}, "naive_timestamp"),
        ({"started_at": "2126-03-01T08:00:00Z"}, "future_event"),
        ({"tz": "Mars/Olympus"}, "unknown_time_zone"),
        ({"ended_at": "2026-02-01T08:00:00Z"}, "ended_before_started"),
        ({"event_id": "one"}, "invalid_envelope"),
        ({"user_id": str(uuid4())}, "unmapped_user"),
    ],
)
def test_envelope_that_cannot_be_accepted_is_kept_with_its_reason(
    committed_database: str, tmp_path: Path, changes: dict[str, Any], code: str
) -> None:
    path = ndjson(tmp_path / "events.ndjson", [an_envelope(), an_envelope(**changes)])

    summary = run_import(committed_database, path, "events")

    assert dict(+summary.outcomes) == {"accepted": 1, "rejected": 1}
    assert rows_of(committed_database, "select row_number, reason_code from raw.rejected_events") == [
        (2, code)
    ]


def test_line_that_is_no_json_loses_no_other_line(committed_database: str, tmp_path: Path) -> None:
    path = ndjson(tmp_path / "events.ndjson", [an_envelope(), "{", b'{"note": "' + b"x" * 1_200_000 + b'"}'])

    summary = run_import(committed_database, path, "events", user="ana")

    assert summary.held_back_because is not None  # two of three lines: somebody should look
    path = ndjson(tmp_path / "events.ndjson", [an_envelope(), "{", an_envelope()])
    assert dict(run_import(committed_database, path, "events").reasons) == {"undecodable": 1}
    assert event_count(committed_database) == 2


def test_source_says_when_it_recorded_an_event(committed_database: str, tmp_path: Path) -> None:
    path = ndjson(
        tmp_path / "events.ndjson",
        [an_envelope(), an_envelope(recorded_at="2026-03-05T08:00:00Z")],
    )

    run_import(committed_database, path, "events")

    assert rows_of(committed_database, "select known_at - started_at from raw.events order by 1") == [
        (timedelta(),),
        (timedelta(days=4, hours=1),),
    ]


def test_free_text_is_readable_nowhere_but_under_the_persons_key(
    committed_database: str, tmp_path: Path
) -> None:
    secret = "met M. again"
    path = ndjson(
        tmp_path / "events.ndjson",
        [
            an_envelope(type="note.written", payload={}, note=secret),
            an_envelope(type="note.guessed", payload={}, note=secret),
            an_envelope(note={"sealed": "00"}),
            an_envelope(),
        ],
    )

    summary = run_import(committed_database, path, "events")

    assert dict(+summary.outcomes) == {"accepted": 2, "rejected": 2}
    for table in ("events", "import_rows", "rejected_events", "outbox"):
        for row in rows_of(committed_database, f"select {table}::text from raw.{table} as {table}"):
            assert secret not in row[0]
    user_id, event_id, ciphertext = rows_of(
        committed_database,
        "select user_id, event_id, note_ciphertext from raw.events where note_ciphertext is not null",
    )[0]
    wrapped = value_of(committed_database, "select data_key_ciphertext from app.users")
    assert open_text(unwrap(DATA_KEY, user_id, bytes(wrapped)), event_id, bytes(ciphertext)) == secret
    assert run_import(committed_database, path, "events").outcomes["duplicate"] == 2


def test_file_of_notes_alone_is_imported(committed_database: str, tmp_path: Path) -> None:
    path = ndjson(
        tmp_path / "events.ndjson", [an_envelope(type="note.written", payload={}, note="a good day")]
    )

    assert run_import(committed_database, path, "events").outcomes["accepted"] == 1


def test_data_docs_are_written_on_demand(committed_database: str, tmp_path: Path) -> None:
    path = a_diary(tmp_path / "diary.csv", *WEEK)

    run_import(committed_database, path, a_mapping(), docs=WantedDocs(tmp_path / "docs"))

    assert (tmp_path / "docs" / "index.html").is_file()
