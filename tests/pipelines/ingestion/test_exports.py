"""Exports into a real Postgres: recognised, every record accounted for, and nothing twice."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from aurora.events.reconciliation import AGGREGATORS
from pipelines.ingestion import storing
from pipelines.ingestion.errors import FileUnusableError, PersonMissingError
from pipelines.ingestion.mapping_files import load_mapping
from pipelines.ingestion.recognition import recognise
from pipelines.ingestion.sources import google_fit
from pipelines.ingestion.summary import ImportSummary
from tests.pipelines.ingestion.exports import (
    HEART_RATE,
    MASS,
    STEPS,
    a_record,
    a_stage,
    a_zip,
    an_element,
    apple_export,
)
from tests.pipelines.ingestion.imports import event_count, rows_of, run_import, value_of

DAYLIO = "full_date,date,weekday,time,mood,activities,note_title,note\n"
OSLO = {"user": "me", "tz": "Europe/Oslo"}


def import_export(url: str, path: Path, **options: Any) -> ImportSummary:
    """What `aurora import PATH --user me --tz Europe/Oslo` does."""
    summary = run_import(url, path, recognise(path), **(OSLO | options))
    assert summary.rows_are_accounted_for
    return summary


def a_day(day: int, steps: int = 100) -> list[str]:
    """Steps of two hours, a night and a weight."""
    return [
        a_record(startDate=f"2024-01-{day:02} 08:10:00 +0100", value=str(steps)),
        a_record(startDate=f"2024-01-{day:02} 09:10:00 +0100", value=str(steps)),
        a_stage("AsleepCore", f"{day:02} 00:00:00", f"{day:02} 04:00:00"),
        a_stage("AsleepREM", f"{day:02} 04:00:00", f"{day:02} 06:30:00"),
        a_record(MASS, unit="kg", value="70", startDate=f"2024-01-{day:02} 07:00:00 +0100"),
    ]


# --- every record is accounted for


def test_every_record_of_an_export_is_accounted_for(committed_database: str, tmp_path: Path) -> None:
    path = apple_export(
        tmp_path / "export.zip",
        *a_day(15),
        a_record("HKQuantityTypeIdentifierVO2Max"),  # no such type
        a_record("HKQuantityTypeIdentifierVO2Max"),
        a_record(value="0", startDate="2024-01-15 22:00:00 +0100"),  # nothing
        a_record(value="many"),  # cannot be read
        a_record(HEART_RATE, unit="count/min", value="999"),  # nobody's heart
        '<Record type="x" value="1" value="2"/>',  # no XML
    )

    summary = import_export(committed_database, path)

    assert (summary.rows, summary.rows_with_events, summary.rows_empty) == (13, 5, 1)
    # Two records of no type, and two files beside the document.
    assert (summary.rows_not_read, summary.rows_rejected) == (4, 3)
    assert summary.not_read["HKQuantityTypeIdentifierVO2Max"] == 2
    assert dict(summary.types) == {"steps.counted": 2, "sleep.recorded": 1, "weight.measured": 1}
    assert dict(summary.reasons) == {"undecodable": 1, "invalid_payload": 1, "row_expectation": 1}
    letters = rows_of(committed_database, "select reason from raw.rejected_events order by reason")
    said = ["bpm lies outside", "the XML is damaged", "value is 'many'"]
    assert [reason[: len(start)] for (reason,), start in zip(letters, said, strict=True)] == said


def test_night_is_stored_with_its_stages_and_belongs_to_the_day_of_waking(
    committed_database: str, tmp_path: Path
) -> None:
    import_export(
        committed_database,
        apple_export(
            tmp_path / "export.xml",
            a_stage("AsleepDeep", "14 23:30:00", "15 01:00:00"),
            a_stage("AsleepREM", "15 01:00:00", "15 06:00:00", creationDate="2024-01-15 07:00:00 +0100"),
        ),
    )

    ((day, payload, source, device, modality, known_at),) = rows_of(
        committed_database,
        "select local_date, payload, source_name, source_device, modality, known_at from raw.events",
    )
    assert day == date(2024, 1, 15)
    assert payload == {"asleep_minutes": 390.0, "deep_minutes": 90.0, "rem_minutes": 300.0, "is_nap": False}
    assert (source, device, modality) == ("apple-health", "Watch", "sensed")
    # The source's own record time: the phone got the night an hour after it was over.
    assert known_at == datetime(2024, 1, 15, 6, tzinfo=UTC)


def test_record_without_a_record_time_was_known_when_its_lag_had_passed(
    committed_database: str, tmp_path: Path
) -> None:
    weight = a_record(MASS, unit="kg", value="70", creationDate=None)

    import_export(committed_database, apple_export(tmp_path / "export.xml", weight))

    assert value_of(committed_database, "select known_at - started_at from raw.events") == timedelta(hours=1)


# --- again, and later


def test_same_export_again_adds_nothing(committed_database: str, tmp_path: Path) -> None:
    path = apple_export(tmp_path / "export.zip", *a_day(15), *a_day(16))
    first = import_export(committed_database, path)
    before = rows_of(committed_database, "select * from raw.events order by event_id")

    again = import_export(committed_database, path)

    assert dict(+first.outcomes) == {"accepted": 8}
    assert dict(+again.outcomes) == {"duplicate": 8}
    assert (again.rows, again.not_read) == (first.rows, first.not_read)
    assert rows_of(committed_database, "select * from raw.events order by event_id") == before


def test_larger_export_later_changes_only_what_went_on(committed_database: str, tmp_path: Path) -> None:
    small = apple_export(tmp_path / "march.zip", *a_day(15), *a_day(16))
    # In the other order, an hour that was not over goes on, and a day more.
    more = a_record(startDate="2024-01-16 09:50:00 +0100", value="30")
    large = apple_export(tmp_path / "april.xml", *a_day(17), more, *reversed([*a_day(15), *a_day(16)]))
    import_export(committed_database, small)
    before = set(rows_of(committed_database, "select event_id, version, body_hash from raw.events"))

    later = import_export(committed_database, large)

    assert dict(+later.outcomes) == {"accepted": 5, "duplicate": 7}
    assert rows_of(
        committed_database, "select version, (payload ->> 'steps')::int from raw.events where version > 1"
    ) == [(2, 130)]
    after = set(rows_of(committed_database, "select event_id, version, body_hash from raw.events"))
    assert before < after

    # The older one once more: it tells nothing that the log does not know.
    assert dict(+import_export(committed_database, small).outcomes) == {"duplicate": 8}
    assert value_of(committed_database, "select max(version) from raw.events") == 2


def test_import_that_was_killed_goes_on_where_it_stopped(
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
    days = [record for day in range(10, 20) for record in a_day(day)]
    path = apple_export(tmp_path / "export.zip", *days, a_record("HKQuantityTypeIdentifierVO2Max"))
    with pytest.raises(Killed):
        import_export(committed_database, path, progress=KillAtFirstSlice())
    stored = event_count(committed_database)
    assert 0 < stored < 40

    summary = import_export(committed_database, path)

    assert (summary.outcomes["accepted"], summary.outcomes["duplicate"]) == (40 - stored, stored)
    assert summary.not_read["HKQuantityTypeIdentifierVO2Max"] == 1
    assert event_count(committed_database) == 40
    assert value_of(committed_database, "select state from raw.import_batches") == "done"


def test_export_read_in_another_zone_gives_the_same_events_on_other_days(
    committed_database: str, tmp_path: Path
) -> None:
    path = apple_export(
        tmp_path / "export.xml", a_record(MASS, unit="kg", value="70", startDate="2024-01-15 23:30:00 +0100")
    )
    import_export(committed_database, path, tz="UTC")

    import_export(committed_database, path, tz="Asia/Tokyo")

    assert rows_of(
        committed_database, "select version, started_at, local_date from raw.events order by 1"
    ) == [
        (1, datetime(2024, 1, 15, 22, 30, tzinfo=UTC), date(2024, 1, 15)),
        (2, datetime(2024, 1, 15, 22, 30, tzinfo=UTC), date(2024, 1, 16)),
    ]


# --- clocks


def test_offset_of_apple_gives_the_instant_and_the_zone_the_day(
    committed_database: str, tmp_path: Path
) -> None:
    zone = an_element("MetadataEntry", key="HKTimeZone", value="America/Los_Angeles")
    unknown = an_element("MetadataEntry", key="HKTimeZone", value="Mars/Olympus")
    path = apple_export(
        tmp_path / "export.xml",
        # Written with the summer offset that the phone had at the export: half past midnight by the clock.
        a_record(MASS, unit="kg", value="70", startDate="2024-01-15 01:30:00 +0200"),
        a_record(MASS, zone, unit="kg", value="71", startDate="2024-01-15 08:30:00 +0200"),
        a_record(MASS, unknown, unit="kg", value="72", startDate="2024-01-15 08:31:00 +0200"),
    )

    import_export(committed_database, path)

    assert rows_of(committed_database, "select tz, local_started_at from raw.events order by started_at") == [
        ("Europe/Oslo", datetime(2024, 1, 15, 0, 30)),  # noqa: DTZ001  # wall-clock time
        ("America/Los_Angeles", datetime(2024, 1, 14, 22, 30)),  # noqa: DTZ001
        ("Europe/Oslo", datetime(2024, 1, 15, 7, 31)),  # noqa: DTZ001
    ]


@pytest.mark.parametrize(
    ("start", "end", "hours", "instants"),
    [
        # The clocks go back at three: this night had nine hours, and both ends were unmistakable.
        ("2023-10-28T23:00", "2023-10-29T07:00", 9, ("2023-10-28T21:00Z", "2023-10-29T06:00Z")),
        # Woken in the hour that happens twice: how long it took says which of them it was.
        ("2023-10-28T23:00", "2023-10-29T02:30", 3.5, ("2023-10-28T21:00Z", "2023-10-29T00:30Z")),
        ("2023-10-28T23:00", "2023-10-29T02:30", 4.5, ("2023-10-28T21:00Z", "2023-10-29T01:30Z")),
        # Fallen asleep in it.
        ("2023-10-29T02:30", "2023-10-29T07:00", 5.5, ("2023-10-29T00:30Z", "2023-10-29T06:00Z")),
        ("2023-10-29T02:30", "2023-10-29T07:00", 4.5, ("2023-10-29T01:30Z", "2023-10-29T06:00Z")),
        # The clocks go forward at two: a time that there was not is an hour later on the new clock.
        ("2023-03-26T01:00", "2023-03-26T02:30", 1.5, ("2023-03-26T00:00Z", "2023-03-26T01:30Z")),
    ],
)
def test_night_on_which_the_clocks_change_lasts_as_long_as_it_did(
    committed_database: str, tmp_path: Path, start: str, end: str, hours: float, instants: tuple[str, str]
) -> None:
    night = {
        "logId": 1,
        "dateOfSleep": end[:10],
        "startTime": f"{start}:00.000",
        "endTime": f"{end}:00.000",
        "duration": int(hours * 3_600_000),
        "minutesAsleep": 80,
    }
    path = a_zip(tmp_path / "takeout.zip", {"Takeout/Fitbit/Global Export Data/sleep-2023.json": [night]})

    import_export(committed_database, path)

    assert rows_of(committed_database, "select started_at, ended_at, tz from raw.events") == [
        (*(datetime.fromisoformat(instant) for instant in instants), "Europe/Oslo")
    ]


# --- Daylio


def test_daylio_is_a_mood_with_what_was_done_and_an_encrypted_note(
    committed_database: str, tmp_path: Path
) -> None:
    path = tmp_path / "daylio_export.csv"
    path.write_text(
        "\ufeff" + DAYLIO + "2020-05-30,30 May,Saturday,6:50 pm,rad,friends | nap,At last,met M.\n"
        "2020-05-30,30 May,Saturday,13:08,awful,,,\n"
        "2020-05-30,30 May,Saturday,1:09\u202fPM,meh,,,\n"
        "2020-05-30,30 May,Saturday,14:00,fantastic,,,secret\n",
        encoding="utf-8",
    )

    summary = import_export(committed_database, path)

    assert rows_of(
        committed_database,
        "select local_started_at::time::text, payload, note_ciphertext is not null, source_name"
        " from raw.events order by started_at",
    ) == [
        ("13:08:00", {"valence": -1.0}, False, "daylio"),
        ("13:09:00", {"valence": 0.0}, False, "daylio"),
        ("18:50:00", {"valence": 1.0, "labels": ["friends", "nap"]}, True, "daylio"),
    ]
    assert dict(summary.reasons) == {"invalid_payload": 1}
    for table in ("events", "import_rows", "rejected_events"):
        for (text,) in rows_of(committed_database, f"select {table}::text from raw.{table} as {table}"):
            assert "met M." not in text
            assert "secret" not in text
    assert "rad, good, meh, bad, awful" in value_of(
        committed_database, "select reason from raw.rejected_events"
    )


def test_clock_of_twelve_or_twenty_four_hours_tells_the_same_entry(
    committed_database: str, tmp_path: Path
) -> None:
    for name, time in (("a", "1:08 pm"), ("b", "13:08")):
        path = tmp_path / f"{name}.csv"
        path.write_text(f"{DAYLIO}2020-05-30,30 May,Saturday,{time},rad,,,\n")
        import_export(committed_database, path)

    assert event_count(committed_database) == 1


# --- what cannot be imported


def test_health_stores_are_known_as_such_by_the_name_that_an_import_gives_them() -> None:
    assert {load_mapping("apple_health").source, google_fit.VENDOR} <= set(AGGREGATORS)


def test_export_needs_a_person(committed_database: str, tmp_path: Path) -> None:
    path = apple_export(tmp_path / "export.xml", a_record())

    with pytest.raises(PersonMissingError, match="--user"):
        run_import(committed_database, path, recognise(path))


def test_export_given_to_the_wrong_mapping_is_refused(committed_database: str, tmp_path: Path) -> None:
    path = apple_export(tmp_path / "export.xml", a_record())

    with pytest.raises(FileUnusableError, match="nothing in it is of the kind"):
        run_import(committed_database, path, load_mapping("google_takeout"), user="me")


def test_export_of_which_most_is_broken_is_held_back(committed_database: str, tmp_path: Path) -> None:
    path = apple_export(tmp_path / "export.xml", a_record(), *['<Record type="x" a="1" a="2"/>'] * 3)

    summary = run_import(committed_database, path, recognise(path), user="me")

    assert summary.held_back_because is not None
    assert "cannot be read at all" in summary.held_back_because
    assert event_count(committed_database) == 0


# --- the real samples


@pytest.mark.datasets
@pytest.mark.parametrize(
    ("sample", "rows", "with_events", "empty", "not_read", "types"),
    [
        (
            "apple_health/export6s3sample.xml",
            18,
            11,
            0,
            {"HKQuantityTypeIdentifierDistanceWalkingRunning": 5, "ActivitySummary": 2},
            {"steps.counted": 2, "exercise.recorded": 1},
        ),
        (
            "apple_health/healthkit_to_sqlite_export.xml",
            5,
            2,
            0,
            {"ActivitySummary": 2, "HKQuantityTypeIdentifierBodyMassIndex": 1},
            {"heart_rate.measured": 1, "exercise.recorded": 1},
        ),
        ("daylio/daylio_parser_test_data.csv", 32, 32, 0, {}, {"mood.rated": 32}),
        (
            "fitbit_web_api",
            32,
            20,
            1,
            {
                "fitbit summary": 5,
                "fitbit goals": 2,
                "fitbit minutes of a day whose total is read": 3,
                "fitbit mean heart rate": 1,
            },
            {
                "exercise.recorded": 4,
                "sleep.recorded": 4,
                "steps.counted": 3,
                "weight.measured": 4,
                "heart_rate.measured": 1,
            },
        ),
        (
            "google_fit",
            23,
            12,
            2,
            {
                "google-fit calories.expended": 3,
                "google-fit height": 2,
                "google-fit location.sample": 2,
                "google-fit speed": 2,
            },
            {
                "exercise.recorded": 3,
                "sleep.recorded": 1,
                "steps.counted": 3,
                "weight.measured": 3,
                "heart_rate.measured": 2,
            },
        ),
    ],
)
def test_sample_is_accounted_for_to_the_last_record_and_adds_nothing_again(
    committed_database: str,
    datasets: Path,
    sample: str,
    rows: int,
    with_events: int,
    empty: int,
    not_read: dict[str, int],
    types: dict[str, int],
) -> None:
    path = datasets / "wearable_formats" / sample

    summary = import_export(committed_database, path)

    assert (summary.rows, summary.rows_with_events, summary.rows_empty) == (rows, with_events, empty)
    assert dict(summary.not_read) == not_read
    assert dict(summary.types) == types
    assert summary.rows_rejected == 0
    count = event_count(committed_database)

    again = import_export(committed_database, path)

    assert again.outcomes["accepted"] == again.outcomes["superseded"] == 0
    assert event_count(committed_database) == count


@pytest.mark.datasets
@pytest.mark.parametrize("folder", ["garmin_connect", "other_vendors", "sleep_apps", "calendar"])
def test_samples_of_other_vendors_are_not_mistaken(datasets: Path, folder: str) -> None:
    for path in [folder_path := datasets / "wearable_formats" / folder, *folder_path.iterdir()]:
        with pytest.raises(FileUnusableError, match="nothing here knows this by its content"):
            recognise(path)


@pytest.mark.datasets
def test_sample_in_a_truncated_copy_keeps_its_first_records(
    committed_database: str, datasets: Path, tmp_path: Path
) -> None:
    whole = (datasets / "wearable_formats/apple_health/export6s3sample.xml").read_text()
    path = tmp_path / "export.xml"
    path.write_text(whole[: whole.index("2014-09-13 11:33:24")])

    summary = import_export(committed_database, path)

    assert (summary.rows_with_events, summary.rows_rejected) == (9, 1)
    assert value_of(
        committed_database,
        "select sum((payload ->> 'steps')::int) from raw.events where type = 'steps.counted'",
    ) == sum((329, 283, 426, 61, 10, 200, 390, 320, 216))
    assert STEPS not in summary.not_read
