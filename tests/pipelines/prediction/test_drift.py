from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

from aurora.models.drift import FEWEST_PEOPLE
from pipelines.prediction.drift import FEWEST_DAYS, WINDOW_DAYS, DriftReport, measure_model, read_newest
from tests.pipelines.prediction.served import PEOPLE, a_reference, person, publish, serve

NOW = datetime(2026, 3, 8, 2, 30, tzinfo=UTC)
Connection = psycopg.Connection[Any]


@pytest.fixture
def connection(database_url: str) -> Iterator[Connection]:
    with psycopg.connect(database_url) as connection:
        yield connection
        connection.rollback()


def measured(connection: Connection) -> DriftReport:
    return measure_model(connection, "energy", "real", until=NOW)


def moved(report: DriftReport) -> set[str]:
    return {column.column for column in report.moved}


def stored(connection: Connection) -> list[tuple[Any, ...]]:
    return connection.execute(
        "select xmin::text, * from predictions.drift order by model_version, measured_date, column_name"
    ).fetchall()


def test_who_is_served_as_in_training_raises_no_alarm(connection: Connection) -> None:
    publish(connection, a_reference())
    serve(connection, NOW)

    report = measured(connection)

    assert {column.column for column in report.columns} == {"sleep_minutes", "noise", "prediction"}
    assert {column.state for column in report.columns} == {"as_trained"}
    assert {(column.rows, column.people) for column in report.columns} == {(PEOPLE * 7, PEOPLE)}


def test_a_feature_an_answer_and_what_is_missing_are_told_apart(connection: Connection) -> None:
    publish(connection, a_reference())
    serve(connection, NOW, longer_sleep=90)

    assert moved(measured(connection)) == {"sleep_minutes"}

    connection.execute("delete from predictions.predictions")
    serve(connection, NOW, better_answers=2)

    assert moved(measured(connection)) == {"prediction"}

    connection.execute("delete from predictions.predictions")
    serve(connection, NOW, without_sleep=0.7)
    (sleep,) = measured(connection).moved

    assert (sleep.column, sleep.reference_missing_share) == ("sleep_minutes", 0.0)
    assert (sleep.missing_share or 0) > 0.5


def test_measuring_a_day_again_changes_nothing_and_new_rows_change_its_rows(connection: Connection) -> None:
    publish(connection, a_reference())
    serve(connection, NOW)
    first, before = measured(connection), stored(connection)

    again = measured(connection)
    assert (first.written, again.written, stored(connection)) == (3, 0, before)

    connection.execute("delete from predictions.predictions where user_id = %s", [person(0)])
    assert measured(connection).written == 3
    assert len(stored(connection)) == 3


def test_each_version_has_its_own_rows_and_only_its_own_answers(connection: Connection) -> None:
    publish(connection, a_reference())
    serve(connection, NOW, first_day=1, days=6)
    measured(connection)
    publish(connection, a_reference(), version="4")
    serve(connection, NOW, version="4", days=1)

    rows = {column.column: column.rows for column in measured(connection).columns}

    assert rows == {"sleep_minutes": PEOPLE * 7, "noise": PEOPLE * 7, "prediction": PEOPLE}
    assert len(stored(connection)) == 6


def test_only_the_last_week_of_ones_own_cohort_counts(connection: Connection) -> None:
    publish(connection, a_reference())
    serve(connection, NOW)
    serve(connection, NOW, first_day=WINDOW_DAYS, days=3, longer_sleep=300)
    serve(connection, NOW, cohort="study", longer_sleep=300)

    assert moved(measured(connection)) == set()


def test_of_a_persons_answers_within_one_part_of_a_day_the_last_counts(connection: Connection) -> None:
    publish(connection, a_reference())
    serve(connection, NOW)
    for minutes in (1, 2, 3):
        serve(connection, NOW - timedelta(minutes=minutes), longer_sleep=300)

    report = measured(connection)

    assert (moved(report), report.columns[0].rows) == (set(), PEOPLE * 7)


def test_too_few_people_are_not_judged(connection: Connection) -> None:
    publish(connection, a_reference())
    serve(connection, NOW, people=FEWEST_PEOPLE - 1, longer_sleep=300)

    report = measured(connection)
    kept = connection.execute(
        "select distinct state, psi, missing_share, people from predictions.drift"
    ).fetchall()

    assert report.measured == []
    assert kept == [("not_enough", None, None, FEWEST_PEOPLE - 1)]


@pytest.mark.parametrize(
    ("days", "have_moved", "not_judged"),
    [
        (FEWEST_DAYS - 1, {"prediction"}, {"sleep_minutes", "noise"}),
        (FEWEST_DAYS, {"prediction", "sleep_minutes"}, set[str]()),
    ],
)
def test_features_of_few_days_are_measured_and_not_judged(
    connection: Connection, days: int, have_moved: set[str], not_judged: set[str]
) -> None:
    publish(connection, a_reference())
    serve(connection, NOW, days=days, longer_sleep=300, better_answers=3)

    report = measured(connection)
    far = connection.execute(
        "select column_name from predictions.drift where q_value <= 0.01 and psi > 1"
    ).fetchall()

    assert moved(report) == have_moved
    assert {column.column for column in report.not_judged} == not_judged
    assert set(far) == {("prediction",), ("sleep_minutes",)}


def test_a_model_from_before_there_were_references_is_named_and_nothing_fails(
    connection: Connection,
) -> None:
    publish(connection, None)
    serve(connection, NOW)

    report = measured(connection)

    assert (report.version, report.columns, stored(connection)) == ("3", (), [])
    assert "before references were kept" in (report.problem or "")


@pytest.mark.parametrize(("has_model", "problem"), [(False, "no model"), (True, "nobody was served")])
def test_why_nothing_was_measured_is_said(connection: Connection, has_model: bool, problem: str) -> None:
    if has_model:
        publish(connection, a_reference())

    assert problem in (measured(connection).problem or "")


def test_the_newest_measurement_is_of_the_version_that_was_champion_last(connection: Connection) -> None:
    publish(connection, a_reference())
    serve(connection, NOW, longer_sleep=90)
    measure_model(connection, "energy", "real", until=NOW - timedelta(days=1))
    measured(connection)

    newest = read_newest(connection)

    assert {row["measured_date"] for row in newest} == {NOW.date()}
    assert (newest[0]["column_name"], newest[0]["state"]) == ("sleep_minutes", "moved")
