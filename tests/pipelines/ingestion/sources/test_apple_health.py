"""Apple Health: which records become which rows, and which are only counted."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.pipelines.ingestion.exports import (
    HEART_RATE,
    MASS,
    STEPS,
    a_record,
    a_stage,
    an_element,
    apple_export,
    read,
)

QUANTITY = "HKQuantityTypeIdentifier"


def rows_of_records(tmp_path: Path, *records: str) -> list[dict[str, Any]]:
    rows, bad, _ = read(apple_export(tmp_path / "export.xml", *records))
    assert bad == []
    return rows


def test_stages_of_a_night_become_one_sleep(tmp_path: Path) -> None:
    (night,) = rows_of_records(
        tmp_path,
        a_stage("AsleepDeep", "15 00:00:00", "15 01:00:00"),
        a_stage("AsleepCore", "14 23:00:00", "15 00:00:00"),  # as Apple writes: in no order
        a_stage("Awake", "15 01:00:00", "15 01:10:00"),
        a_stage("AsleepREM", "15 01:10:00", "15 02:10:00"),
        a_stage("InBed", "14 22:50:00", "15 02:20:00"),
    )

    assert night | {"key": ""} == {
        "event": "sleep",
        "vendor": "apple-health",
        "key": "",
        "device": "Watch",
        "modality": "sensed",
        "started_at": "2024-01-14T22:00:00+00:00",
        "ended_at": "2024-01-15T01:10:00+00:00",
        "recorded_at": "2024-01-15T01:20:00+00:00",
        "asleep_minutes": 180.0,
        "light_minutes": 60.0,
        "deep_minutes": 60.0,
        "rem_minutes": 60.0,
        "awake_minutes": 10.0,
        "in_bed_minutes": 210.0,
        "efficiency_percent": 85.7,
        "is_nap": False,
        "records": 5,
    }


def test_sleep_of_two_devices_is_not_mixed(tmp_path: Path) -> None:
    nights = rows_of_records(
        tmp_path,
        a_stage("Asleep", "14 23:00:00", "15 06:00:00"),
        a_stage("Asleep", "14 23:30:00", "15 06:00:00", sourceName="App"),
    )

    assert {night["device"]: night["asleep_minutes"] for night in nights} == {"Watch": 420.0, "App": 390.0}


def test_lying_in_bed_is_no_sleep(tmp_path: Path) -> None:
    (night,) = rows_of_records(tmp_path, a_stage("InBed", "14 23:00:00", "15 06:00:00"))

    assert night["event"] == "in_bed"


def test_steps_of_telephone_and_watch_are_not_added_up(tmp_path: Path) -> None:
    (hour,) = rows_of_records(
        tmp_path,
        a_record(value="100"),
        a_record(value="60", startDate="2024-01-15 08:40:00 +0100"),
        a_record(value="150", sourceName="iPhone"),
    )

    assert (hour["steps"], hour["device"], hour["records"]) == (160, "Watch", 3)
    assert hour["key"] == "apple-health:steps:2024-01-15T07:00:00+00:00"


def test_heart_rates_of_an_hour_become_their_mean(tmp_path: Path) -> None:
    hours = rows_of_records(
        tmp_path,
        *(a_record(HEART_RATE, unit="count/min", value=bpm) for bpm in ("60", "65", "65")),
        a_record(HEART_RATE, unit="count/s", value="1.5", startDate="2024-01-15 09:00:00 +0100"),
    )

    # Two that say the same of the same second are one.
    assert [(hour["bpm"], hour["records"]) for hour in hours] == [(62.5, 3), (90.0, 1)]


@pytest.mark.parametrize(
    ("kind", "unit", "value", "said"),
    [
        ("BodyMass", "lb", "154.32", {"weight_kg": 69.998375}),
        ("BodyMass", "kg", "70", {"weight_kg": 70.0}),
        ("RestingHeartRate", "count/min", "52", {"event": "resting_heart_rate", "bpm": 52.0}),
        ("HeartRateVariabilitySDNN", "ms", "41.5", {"event": "hrv_sdnn", "sdnn_ms": 41.5}),
        ("DietaryWater", "fl_oz_us", "8", {"volume_ml": 236.588236, "modality": "self_reported"}),
        ("DietaryCaffeine", "g", "0.08", {"caffeine_mg": 80.0}),
        ("NumberOfAlcoholicBeverages", "count", "2", {"alcohol_g": 28.0}),
    ],
)
def test_measurement_is_read_in_the_unit_in_which_it_was_written(
    tmp_path: Path, kind: str, unit: str, value: str, said: dict[str, Any]
) -> None:
    (row,) = rows_of_records(tmp_path, a_record(f"{QUANTITY}{kind}", unit=unit, value=value))

    assert row.items() >= said.items()


def test_nutrients_of_one_time_are_one_meal(tmp_path: Path) -> None:
    (meal,) = rows_of_records(
        tmp_path,
        a_record(f"{QUANTITY}DietaryEnergyConsumed", unit="kcal", value="300"),
        a_record(f"{QUANTITY}DietaryEnergyConsumed", unit="kJ", value="418.4"),
        a_record(f"{QUANTITY}DietaryProtein", unit="g", value="20"),
    )

    assert (meal["energy_kcal"], meal["protein_g"], meal["records"]) == (400.0, 20.0, 3)


def test_workout_takes_its_totals_from_statistics_or_attributes(tmp_path: Path) -> None:
    times = {
        "sourceName": "Watch",
        "startDate": "2024-01-15 08:00:00 +0100",
        "endDate": "2024-01-15 08:40:00 +0100",
    }
    statistics = an_element(
        "WorkoutStatistics", type=f"{QUANTITY}ActiveEnergyBurned", sum="300", unit="kcal"
    ) + an_element("WorkoutStatistics", type=f"{QUANTITY}DistanceWalkingRunning", sum="5", unit="km")
    new = an_element("Workout", statistics, workoutActivityType="HKWorkoutActivityTypeRunning", **times)
    old = an_element(
        "Workout",
        workoutActivityType="HKWorkoutActivityTypeTraditionalStrengthTraining",
        duration="30",
        durationUnit="min",
        totalEnergyBurned="418.4",
        totalEnergyBurnedUnit="kJ",
        totalDistance="0",
        totalDistanceUnit="mi",
        **times,
    )

    running, strength = rows_of_records(tmp_path, new, old)

    assert (running["kind"], running["duration_minutes"]) == ("running", 40.0)
    assert (running["energy_kcal"], running["distance_m"]) == (300.0, 5_000.0)
    assert (strength["kind"], strength["duration_minutes"]) == ("traditional strength training", 30.0)
    assert strength["energy_kcal"] == 100.0
    assert "distance_m" not in strength


def test_mindful_session_and_state_of_mind_are_read(tmp_path: Path) -> None:
    session, mind = rows_of_records(
        tmp_path,
        a_record("HKCategoryTypeIdentifierMindfulSession", unit=None, endDate="2024-01-15 08:10:00 +0100"),
        an_element("StateOfMind", startDate="2024-01-15 20:00:00 +0100", valence="-0.4", labels="sad,tired"),
    )

    assert (session["event"], session["elapsed_minutes"]) == ("meditation", 10.0)
    assert (mind["valence"], mind["labels"]) == (-0.4, "sad,tired")


def test_own_zone_and_own_hand_of_a_record_are_kept(tmp_path: Path) -> None:
    metadata = an_element("MetadataEntry", key="HKTimeZone", value="Asia/Tokyo") + an_element(
        "MetadataEntry", key="HKWasUserEntered", value="1"
    )

    (weight,) = rows_of_records(tmp_path, a_record(MASS, metadata, unit="kg", value="70"))

    assert (weight["zone"], weight["modality"]) == ("Asia/Tokyo", "self_reported")


def test_records_of_a_correlation_are_counted_once(tmp_path: Path) -> None:
    inner = a_record(value="40")
    rows, _, not_read = read(
        apple_export(
            tmp_path / "export.xml",
            an_element("Correlation", inner, type="HKCorrelationTypeIdentifierFood", sourceName="App"),
            inner,
        )
    )

    assert [row["steps"] for row in rows] == [40]
    assert not_read == {"Correlation HKCorrelationTypeIdentifierFood": 1}


def test_types_and_files_that_nothing_reads_are_counted_by_name(tmp_path: Path) -> None:
    path = apple_export(tmp_path / "export.zip", *[a_record("HKQuantityTypeIdentifierVO2Max")] * 3)

    rows, bad, not_read = read(path)

    assert (rows, bad) == ([], [])
    assert not_read == {
        "HKQuantityTypeIdentifierVO2Max": 3,
        "file apple_health_export/*.xml": 1,
        "file workout-routes/*.gpx": 1,
    }


@pytest.mark.parametrize(
    ("record", "said"),
    [
        (a_record(value="many"), "value is 'many', which is not a number"),
        (a_record(value="NaN"), "value is 'NaN'"),
        (a_record(value=None), "value is 'None'"),
        (a_record(startDate="yesterday"), "startDate is 'yesterday', which is not a time with an offset"),
        (a_record(startDate="2024-01-15 08:00:00"), "not a time with an offset"),
        (a_record(startDate=None, endDate=None), "startDate is ''"),
        (a_record(endDate="2054-01-15 08:00:00 +0100"), "longer than a day"),
        (a_record(endDate="2024-01-15 07:00:00 +0100"), "backwards"),
        (a_record(MASS, unit="dragons"), "the unit 'dragons' of value is none of kg"),
        (a_stage("Levitating", "15 00:00:00", "15 01:00:00"), "is no stage of sleep"),
    ],
)
def test_record_that_says_the_impossible_costs_no_other(tmp_path: Path, record: str, said: str) -> None:
    rows = rows_of_records(tmp_path, record, a_record(STEPS, value="7"))

    problems = [row for row in rows if "problem" in row]
    assert [row["steps"] for row in rows if "steps" in row] == [7]
    assert said in problems[0]["problem"]
