from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid5

import dagster as dg
import numpy as np
import psycopg
import pytest

from pipelines.prediction.accuracy_checks import (
    intervals_hold_what_they_promise,
    judge_predictions,
    models_are_no_worse_than_their_baselines,
)
from pipelines.resources import PostgresResource, default_resources
from tests.pipelines.prediction.served import person

Connection = psycopg.Connection[Any]

START = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture
def connection(committed_database: str) -> Iterator[Connection]:
    with psycopg.connect(committed_database, autocommit=True) as connection:
        connection.execute(
            """
            create table marts.prediction_accuracy (
                user_id uuid, model_name text, model_version text, label_event_id uuid, as_of timestamptz,
                local_date date, horizon_hours integer, value float8, absolute_error float8,
                baseline_absolute_error float8, is_in_interval boolean
            )
            """
        )
        yield connection


def judge(
    connection: Connection,
    *,
    model: str = "energy",
    cohort: str = "real",
    people: int = 20,
    days: int = 20,
    first_day: int = 0,
    covered: float = 0.9,
    worse_by: float = -0.2,
    horizon: int = 1,
    minutes: int = 0,
) -> None:
    """A judged prediction a person and day: `covered` of their intervals hold, and they are off by so much more than
    their baselines.
    """
    rng = np.random.default_rng(first_day)
    for number in range(people):
        user_id = person(number, cohort)
        connection.execute(
            "insert into app.users (user_id, username, cohort, data_key_ciphertext) values (%s, %s, %s, '')"
            " on conflict do nothing",
            [user_id, f"{cohort}{number}", cohort],
        )
        for day in range(first_day, first_day + days):
            error, as_of = float(rng.exponential()), START + timedelta(days=day, minutes=minutes)
            connection.execute(
                "insert into marts.prediction_accuracy values (%s, %s, '3', %s, %s, %s, %s, 5, %s, %s, %s)",
                [
                    user_id,
                    model,
                    _label(user_id, f"{model}{day}"),
                    as_of,
                    as_of.date(),
                    horizon,
                    error,
                    error - worse_by,
                    (number + 3 * day) % 10 < covered * 10,
                ],
            )


def _label(user_id: UUID, name: str) -> UUID:
    return uuid5(user_id, name)


def red(url: str, data_dir: Path) -> set[str]:
    postgres = default_resources({"postgres_url": url, "data_dir": str(data_dir)})["postgres"]
    assert isinstance(postgres, PostgresResource)
    found = {
        "intervals": intervals_hold_what_they_promise(postgres),
        "baselines": models_are_no_worse_than_their_baselines(postgres),
    }
    assert all(
        isinstance(result, dg.AssetCheckResult) and result.severity == dg.AssetCheckSeverity.ERROR
        for result in found.values()
    )
    return {name for name, result in found.items() if not result.passed}  # type: ignore[union-attr]  # asserted above


@pytest.mark.parametrize("model", ["energy", "mood"])
@pytest.mark.parametrize(
    ("changes", "wrong"),
    [
        ({}, set()),
        ({"covered": 0.7}, {"intervals"}),
        ({"covered": 1.0}, {"intervals"}),
        ({"worse_by": 0.2}, {"baselines"}),
        ({"covered": 0.7, "worse_by": 0.2, "people": 9}, set()),
        ({"covered": 0.7, "worse_by": 0.2, "people": 12, "days": 4}, set()),
    ],
    ids=["good", "too narrow", "too wide", "worse than the baseline", "too few people", "too few ratings"],
)
def test_what_is_wrong_with_the_last_weeks_predictions_is_told(
    connection: Connection,
    committed_database: str,
    tmp_path: Path,
    model: str,
    changes: dict[str, Any],
    wrong: set[str],
) -> None:
    judge(connection, model=model, **changes)
    judge(connection, model=model, cohort="study")

    assert red(committed_database, tmp_path) == wrong


def test_only_near_ratings_of_the_last_weeks_count_each_once(connection: Connection) -> None:
    judge(connection, days=20, covered=0.0)
    judge(connection, first_day=20, days=28, covered=0.2)
    judge(connection, first_day=20, days=28, covered=0.9, minutes=30)
    judge(connection, first_day=60, days=5, covered=0.0, horizon=24)

    (judged,) = judge_predictions(connection)

    assert (judged.cohort, judged.model) == ("real", "energy")
    assert (judged.coverage.ratings, judged.coverage.people) == (20 * 28, 20)
    assert judged.coverage.value == pytest.approx(0.9, abs=0.02)
    assert judged.worse_by.value == pytest.approx(-0.2)
    assert not judged.is_dishonest


def test_where_no_rating_followed_nothing_is_said(
    connection: Connection, committed_database: str, tmp_path: Path
) -> None:
    assert judge_predictions(connection) == []
    assert red(committed_database, tmp_path) == set()


def test_a_few_people_who_differ_much_are_no_proof(connection: Connection) -> None:
    judge(connection, people=20, days=20, covered=0.9)
    connection.execute(
        "update marts.prediction_accuracy set is_in_interval = false, absolute_error = absolute_error + 3"
        " where user_id = any(%s)",
        [[person(number) for number in range(3)]],
    )

    (judged,) = judge_predictions(connection)

    assert judged.coverage.value < 0.8
    assert (judged.is_dishonest, judged.is_worse) == (False, False)
