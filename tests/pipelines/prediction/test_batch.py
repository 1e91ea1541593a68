from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import psycopg
import pytest

from aurora.predictions.artifact import digest
from pipelines.prediction.batch import predict_cohort
from tests.aurora.models.people import an_energy_artifact
from tests.pipelines.training.warehouse import START, add_people, add_tiles, build_tables, person

NOW = START + timedelta(days=2, hours=12)
"""In the evening of the last of three days."""


@pytest.fixture
def connection(database_url: str) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(database_url) as connection:
        build_tables(connection)
        yield connection
        connection.rollback()


def publish(connection: psycopg.Connection[Any], name: str = "energy") -> None:
    artifact = an_energy_artifact()
    connection.execute(
        """
        insert into predictions.model_artifacts (model_name, model_version, artifact, sha256, metadata)
        values (%s, '3', %s, %s, '{}')
        """,
        [name, artifact, digest(artifact)],
    )
    connection.execute("insert into predictions.model_aliases values (%s, 'champion', '3')", [name])


def add_days(connection: psycopg.Connection[Any], *, people: int, days: int) -> None:
    add_people(connection, people=people, days=days)
    add_tiles(connection)


def test_everybody_active_gets_one_prediction_with_its_vector(connection: psycopg.Connection[Any]) -> None:
    add_days(connection, people=4, days=3)
    publish(connection)

    report = predict_cohort(connection, "energy", "real", as_of=NOW)

    stored = connection.execute(
        """
        select
            model_version, model_source, as_of, made_at, lower < value and value < upper,
            (features ->> 'energy_ewma_28d')::float8 > 0, features -> 'hour_of_day'
        from predictions.predictions
        """
    ).fetchall()
    assert (report.people, report.by_model, report.written) == (4, 4, 4)
    assert set(stored) == {("3", "model", NOW, NOW, True, True, 20)}


def test_a_second_run_changes_nothing(connection: psycopg.Connection[Any]) -> None:
    add_days(connection, people=4, days=3)
    publish(connection)
    predict_cohort(connection, "energy", "real", as_of=NOW)

    assert predict_cohort(connection, "energy", "real", as_of=NOW).written == 0


@pytest.mark.parametrize("model", ["energy", "mood"])
def test_without_a_model_the_baseline_answers_and_says_so(
    connection: psycopg.Connection[Any], model: str
) -> None:
    add_days(connection, people=4, days=3)

    report = predict_cohort(connection, model, "real", as_of=NOW)

    sources = connection.execute(
        "select distinct model_source, baseline_name, model_version from predictions.predictions"
    ).fetchall()
    assert (report.version, report.by_baseline) == (None, 4)
    assert sources == [("baseline", "ewma", None)]


def test_the_model_of_another_cohort_is_not_used(connection: psycopg.Connection[Any]) -> None:
    add_days(connection, people=2, days=3)
    publish(connection, "energy.simulated")

    assert predict_cohort(connection, "energy", "real", as_of=NOW).by_model == 0


def test_a_replay_knows_nothing_later_and_leaves_the_silent_out(connection: psycopg.Connection[Any]) -> None:
    add_days(connection, people=3, days=60)
    connection.execute(
        "delete from intermediate.int_tiles where user_id = %s and local_date > %s",
        [person(0), (START + timedelta(days=10)).date()],
    )
    on_day_20 = START + timedelta(days=20)

    assert predict_cohort(connection, "energy", "real", as_of=START + timedelta(days=60)).people == 2
    assert predict_cohort(connection, "energy", "real", as_of=on_day_20).people == 3
    day_before = connection.execute(
        """
        select round((features ->> 'energy_mean_2d')::numeric - labels.value::numeric, 2)
        from predictions.predictions
        inner join intermediate.int_labels as labels using (user_id)
        where predictions.as_of = %s and labels.target = 'energy' and labels.as_of = %s
        """,
        [on_day_20, on_day_20 - timedelta(days=1)],
    ).fetchall()
    assert sorted(day_before, key=str) == [(0,), (0,), (None,)]
