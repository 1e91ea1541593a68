"""Fitbit's and Google Fit's files: which of their records become which rows, and by which clock."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.pipelines.ingestion.exports import a_zip, read

FITBIT = "Takeout/Fitbit/Global Export Data"
FIT = "Takeout/Fit/All Data"

SLEEP: dict[str, Any] = {
    "logId": 26013218219,
    "dateOfSleep": "2020-03-01",
    "startTime": "2020-02-29T23:21:30.000",
    "endTime": "2020-03-01T07:24:30.000",
    "duration": 28_980_000,
    "minutesAsleep": 419,
    "minutesAwake": 64,
    "timeInBed": 483,
    "efficiency": 94,
    "type": "stages",
    "levels": {"summary": {"deep": {"minutes": 80}, "light": {"minutes": 240}, "rem": {"minutes": 99}}},
    "mainSleep": True,
}
EXERCISE: dict[str, Any] = {
    "logId": 7,
    "activityName": "Run",
    "activityLevel": [{"name": "fairly", "minutes": 5}, {"name": "very", "minutes": 25}],
    "calories": 310,
    "distance": 3.1,
    "distanceUnit": "Mile",
    "activeDuration": 1_800_000,
    "duration": 1_920_000,
    "logType": "auto_detected",
    "startTime": "03/01/20 17:04:05",
    "lastModified": "03/01/20 17:40:00",
}


def rows_of_files(tmp_path: Path, files: dict[str, Any]) -> tuple[list[dict[str, Any]], dict[str, int]]:
    rows, bad, not_read = read(a_zip(tmp_path / "takeout.zip", files))
    assert bad == []
    return rows, not_read


def rows_of_fitbit(tmp_path: Path, name: str, *entries: dict[str, Any]) -> list[dict[str, Any]]:
    return rows_of_files(tmp_path, {f"{FITBIT}/{name}": list(entries)})[0]


def test_sleep_is_written_by_the_clock_on_the_wall(tmp_path: Path) -> None:
    (night,) = rows_of_fitbit(tmp_path, "sleep-2020-02-01.json", SLEEP)

    assert night == {
        "event": "sleep",
        "vendor": "fitbit",
        "key": "fitbit:sleep:26013218219",
        "records": 1,
        "started_at": "2020-02-29T23:21:30",
        "ended_at": "2020-03-01T07:24:30",
        "elapsed_ms": 28_980_000,
        "asleep_minutes": 419,
        "in_bed_minutes": 483,
        "awake_minutes": 64,
        "efficiency_percent": 94,
        "deep_minutes": 80,
        "light_minutes": 240,
        "rem_minutes": 99,
        "modality": "sensed",
    }


def test_sleep_that_is_not_the_main_one_is_a_nap(tmp_path: Path) -> None:
    (nap,) = rows_of_fitbit(tmp_path, "sleep-2020-02-01.json", SLEEP | {"mainSleep": False})

    assert nap["is_nap"] is True


def test_minutes_of_steps_are_written_in_utc_and_summed_by_the_hour(tmp_path: Path) -> None:
    minutes = [{"dateTime": f"03/01/20 09:{minute:02}:00", "value": "10"} for minute in range(60)]

    (hour,) = rows_of_fitbit(tmp_path, "steps-2020-03-01.json", *minutes)

    assert (hour["steps"], hour["records"]) == (600, 60)
    assert (hour["started_at"], hour["ended_at"]) == (
        "2020-03-01T09:00:00+00:00",
        "2020-03-01T10:00:00+00:00",
    )


def test_workout_is_written_in_utc_with_its_own_units(tmp_path: Path) -> None:
    (run,) = rows_of_fitbit(tmp_path, "exercise-0.json", EXERCISE)

    assert (
        run.items()
        >= {
            "kind": "run",
            "started_at": "2020-03-01T17:04:05+00:00",
            "recorded_at": "2020-03-01T17:40:00+00:00",
            "elapsed_ms": 1_920_000,
            "duration_minutes": 30,
            "distance_m": 4988.966,
            "energy_kcal": 310,
            "moderate_minutes": 5,
            "vigorous_minutes": 25,
            "modality": "sensed",
        }.items()
    )


def test_heart_rate_that_the_band_guessed_is_not_read(tmp_path: Path) -> None:
    rows, not_read = rows_of_files(
        tmp_path,
        {
            f"{FITBIT}/heart_rate-2020-03-01.json": [
                {"dateTime": "03/01/20 09:00:05", "value": {"bpm": 60, "confidence": 3}},
                {"dateTime": "03/01/20 09:00:10", "value": {"bpm": 62, "confidence": 2}},
                {"dateTime": "03/01/20 09:00:15", "value": {"bpm": 70, "confidence": 0}},
            ]
        },
    )

    assert [(row["bpm"], row["records"]) for row in rows] == [(61.0, 2)]
    assert not_read == {"fitbit heart rate of confidence 0": 1}


@pytest.mark.parametrize(
    ("log", "kilograms"),
    [
        ({"weight": 156.5, "bmi": 23.2, "date": "03/01/20", "time": "07:01:02"}, 70.987),  # pounds
        ({"weight": 71.0, "bmi": 23.2, "date": "03/01/20", "time": "07:01:02"}, 71.0),
        ({"weight": 56.7, "bmi": 21.48, "date": "2015-05-13", "time": "18:28:59"}, 56.7),
        ({"weight": 156.5, "date": "03/01/20", "time": "07:01:02"}, 70.987),
        ({"weight": 71.0, "date": "2020-03-01", "time": "07:01:02"}, 71.0),
    ],
)
def test_unit_of_a_weight_is_the_one_that_its_bmi_fits(
    tmp_path: Path, log: dict[str, Any], kilograms: float
) -> None:
    (weight,) = rows_of_fitbit(tmp_path, "weight-2020-03-01.json", {"logId": 1} | log)

    assert weight["weight_kg"] == kilograms


def test_weight_typed_in_for_a_day_has_no_time(tmp_path: Path) -> None:
    log = {"logId": 1, "weight": 71.0, "bmi": 23.2, "date": "03/01/20", "time": "23:59:59"}

    (weight,) = rows_of_fitbit(tmp_path, "weight-2020-03-01.json", log)

    assert weight["day"] == "2020-03-01"
    assert "started_at" not in weight


def test_days_of_resting_heart_rate_and_variability_are_read(tmp_path: Path) -> None:
    rows, _ = rows_of_files(
        tmp_path,
        {
            f"{FITBIT}/resting_heart_rate-2020-01-01.json": [
                {"dateTime": "03/01/20 00:00:00", "value": {"date": "03/01/20", "value": 61.538, "error": 6}},
                {"dateTime": "03/02/20 00:00:00", "value": {"date": None, "value": 0.0, "error": 0.0}},
            ],
            "Takeout/Fitbit/Heart Rate Variability/Daily Heart Rate Variability Summary - 2020-3-(1).csv": (
                "timestamp,rmssd,nremhr,entropy\n2020-03-01T00:00:00,41.2,55,2.1\n2020-03-02T00:00:00,,55,2\n"
            ),
        },
    )

    said = {row.get("day"): row.get("bpm") or row.get("rmssd_ms") for row in rows if "key" in row}
    assert [row.get("bpm") for row in rows if row.get("event") == "resting_heart_rate"] == [61.54, None]
    assert [row.get("rmssd_ms") for row in rows if row.get("event") == "hrv"] == [41.2]
    assert set(said) == {"2020-03-01"}
    assert [row["problem"] for row in rows if "problem" in row] == ["rmssd is '', which is not a number"]


def test_what_nothing_reads_is_counted_by_its_name(tmp_path: Path) -> None:
    calories = [{"dateTime": f"03/01/20 09:{minute:02}:00", "value": "1.2"} for minute in range(30)]
    _, not_read = rows_of_files(
        tmp_path,
        {
            f"{FITBIT}/calories-2020-03-01.json": calories,
            f"{FITBIT}/badge.json": [{"encodedId": "x", "badgeType": "DAILY_STEPS"}],
            f"{FITBIT}/exercise-0.json": [EXERCISE],
            f"{FIT}/Sessions/walk.json": {"fitnessActivity": "walking"},
            "Takeout/archive_browser.html": "<html></html>",
        },
    )

    assert not_read == {
        "fitbit calories": 30,
        "file Global Export Data/*.json": 1,
        "file Sessions/*.json": 1,
        "file Takeout/*.html": 1,
    }


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        (SLEEP | {"startTime": "last night"}, "startTime is 'last night', which is not a time"),
        (SLEEP | {"minutesAsleep": None}, "minutesAsleep is 'None', which is not a number"),
        (EXERCISE | {"distanceUnit": "Parsec"}, "the unit 'Parsec' of distance is not known"),
        (EXERCISE | {"logId": None}, "it has no logId"),
        (EXERCISE | {"activityLevel": ["very"]}, "'str' object has no attribute 'get'"),
    ],
)
def test_entry_that_says_the_impossible_costs_no_other(
    tmp_path: Path, entry: dict[str, Any], said: str
) -> None:
    rows = rows_of_fitbit(tmp_path, "sleep-2020-02-01.json", entry, SLEEP)

    assert said in rows[0]["problem"]
    assert rows[1]["asleep_minutes"] == 419


def test_file_that_breaks_off_keeps_what_came_before_and_the_other_files(tmp_path: Path) -> None:
    path = a_zip(
        tmp_path / "takeout.zip",
        {
            f"{FITBIT}/sleep-2020-02-01.json": '[{"logId": 1, "dateOfSleep": "2020-0',
            f"{FITBIT}/sleep-2020-03-01.json": [SLEEP],
        },
    )

    rows, (bad,), _ = read(path)

    assert len(rows) == 1
    assert f"{FITBIT}/sleep-2020-02-01.json: the value at character 1 is broken" in bad.reason


def a_point(
    kind: str, value: dict[str, Any], start_s: int = 1_583_053_200, seconds: int = 60
) -> dict[str, Any]:
    """A data point as Takeout writes it, from nine o'clock UTC of the first of March 2020."""
    return {
        "fitValue": [{"value": value}],
        "startTimeNanos": start_s * 10**9,
        "endTimeNanos": (start_s + seconds) * 10**9,
        "dataTypeName": f"com.google.{kind}",
        "originDataSourceId": "",
        "modifiedTimeMillis": (start_s + 3_600) * 1_000,
    }


def a_stream(name: str, *points: dict[str, Any]) -> dict[str, Any]:
    return {"Data Source": name, "Data Points": list(points)}


def test_streams_of_the_same_steps_are_not_added_up(tmp_path: Path) -> None:
    sensor = [
        a_point("step_count.delta", {"intVal": 50}),
        a_point("step_count.delta", {"intVal": 30}, 1_583_053_300),
    ]
    rows, _ = rows_of_files(
        tmp_path,
        {
            f"{FIT}/raw_steps.json": a_stream("raw:phone", *sensor),
            f"{FIT}/derived_steps.json": a_stream("derived:merge_step_deltas", *sensor),
            f"{FIT}/raw_weight.json": a_stream("raw:scale", a_point("weight", {"fpVal": 70.123456})),
        },
    )

    assert [row["steps"] for row in rows if row["event"] == "steps"] == [80]
    assert [row["weight_kg"] for row in rows if row["event"] == "weight"] == [70.123]


def test_segments_of_sleep_and_of_activity_are_told_apart(tmp_path: Path) -> None:
    night, day = 1_583_020_800, 1_583_060_000
    rows, _ = rows_of_files(
        tmp_path,
        {
            f"{FIT}/a.json": a_stream(
                "derived:activity",
                a_point("activity.segment", {"intVal": 110}, night, 3_600),
                a_point("activity.segment", {"intVal": 109}, night + 3_600, 3_600),
                a_point("activity.segment", {"intVal": 8}, day, 1_800),
                a_point("activity.segment", {"intVal": 7}, day + 2_000, 120),
                a_point("activity.segment", {"intVal": 3}, day + 3_000, 3_000),
                a_point("activity.segment", {"intVal": 45}, day + 7_000, 600),
            )
        },
    )

    said = {
        row["event"]: row.get("asleep_minutes") or row.get("kind") or row.get("elapsed_minutes")
        for row in rows
    }
    assert said == {"sleep": 120, "exercise": "running", "no_exercise": None, "meditation": 10}
