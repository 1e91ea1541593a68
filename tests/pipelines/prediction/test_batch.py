from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import psycopg
import pytest

from aurora.predictions.artifact import digest
from pipelines.prediction.batch import predict_cohort
from tests.aurora.models.people import an_energy_artifact
from tests.pipelines.training.warehouse import START, add_people, build_tables, person


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


def test_everybody_active_gets_one_prediction_with_its_vector(connection: psycopg.Connection[Any]) -> None:
    add_people(connection, people=4, days=3)
    publish(connection)

    report = predict_cohort(connection, "energy", "real")

    stored = connection.execute(
        """
        select
            model_version, model_source, as_of, lower < value and value < upper, features ? 'energy_ewma_28d'
        from predictions.predictions
        """
    ).fetchall()
    assert (report.people, report.by_model, report.written) == (4, 4, 4)
    assert set(stored) == {("3", "model", START + timedelta(days=2), True, True)}


def test_a_second_run_changes_nothing(connection: psycopg.Connection[Any]) -> None:
    add_people(connection, people=4, days=3)
    publish(connection)
    predict_cohort(connection, "energy", "real")

    assert predict_cohort(connection, "energy", "real").written == 0


@pytest.mark.parametrize("model", ["energy", "mood"])
def test_without_a_model_the_baseline_answers_and_says_so(
    connection: psycopg.Connection[Any], model: str
) -> None:
    add_people(connection, people=4, days=3)

    report = predict_cohort(connection, model, "real")

    sources = connection.execute(
        "select distinct model_source, baseline_name, model_version from predictions.predictions"
    ).fetchall()
    assert (report.version, report.by_baseline) == (None, 4)
    assert sources == [("baseline", "ewma", None)]


def test_the_model_of_another_cohort_is_not_used(connection: psycopg.Connection[Any]) -> None:
    add_people(connection, people=2, days=3)
    publish(connection, "energy.simulated")

    assert predict_cohort(connection, "energy", "real").by_model == 0


def test_a_cohort_can_be_replayed_and_the_silent_are_left_out(connection: psycopg.Connection[Any]) -> None:
    add_people(connection, people=3, days=60)
    connection.execute(
        "delete from features.moment_clock_features where user_id = %s and as_of > %s",
        [person(0), START + timedelta(days=10)],
    )

    assert predict_cohort(connection, "energy", "real").people == 2
    assert predict_cohort(connection, "energy", "real", until=START + timedelta(days=20)).people == 3
