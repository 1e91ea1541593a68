from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import psycopg
import pytest
from psycopg.types.json import Jsonb

from aurora import clock
from aurora.predictions.artifact import digest
from pipelines.prediction.batch import predict_cohort
from pipelines.prediction.shadow import forget_old_shadows
from pipelines.training.shadow_comparison import NothingInTheShadowError, compare_shadow
from tests.aurora.models.people import an_energy_artifact
from tests.pipelines.training.warehouse import START, add_people, add_tiles, build_tables, person

Connection = psycopg.Connection[Any]

NOW = START + timedelta(days=1, hours=12)
"""In the evening of the second of three days."""


@pytest.fixture
def connection(database_url: str) -> Iterator[Connection]:
    with psycopg.connect(database_url) as connection:
        build_tables(connection)
        yield connection
        connection.rollback()


def publish(
    connection: Connection,
    alias: str,
    version: str,
    *,
    sha256: str | None = None,
    trained_until: datetime = START,
) -> None:
    artifact = an_energy_artifact()
    metadata = Jsonb({"trained": {"until": trained_until.timestamp()}})
    connection.execute(
        """
        insert into predictions.model_artifacts (model_name, model_version, artifact, sha256, metadata)
        values ('energy', %s, %s, %s, %s)
        on conflict do nothing
        """,
        [version, artifact, sha256 or digest(artifact), metadata],
    )
    connection.execute(
        """
        insert into predictions.model_aliases values ('energy', %s, %s)
        on conflict (model_name, alias) do update set model_version = excluded.model_version
        """,
        [alias, version],
    )


def add_days(connection: Connection, *, people: int, days: int) -> None:
    add_people(connection, people=people, days=days)
    add_tiles(connection)


def shadows(connection: Connection) -> list[tuple[Any, ...]]:
    return connection.execute(
        """
        select model_version, champion_version, count(*), count(distinct as_of)
        from predictions.shadow_predictions
        group by 1, 2
        order by 1, 2
        """
    ).fetchall()


def test_the_challenger_answers_the_same_moments_and_nothing_of_it_is_served(connection: Connection) -> None:
    add_days(connection, people=4, days=3)
    publish(connection, "champion", "3")
    publish(connection, "challenger", "4")

    report = predict_cohort(connection, "energy", "real", as_of=NOW)

    served = connection.execute("select distinct model_version from predictions.predictions").fetchall()
    assert served == [("3",)]
    assert (report.shadow.version, report.shadow.written) == ("4", 8)
    assert shadows(connection) == [("3", "3", 4, 1), ("4", "3", 4, 1)]


def test_a_second_batch_writes_no_shadow_twice(connection: Connection) -> None:
    add_days(connection, people=4, days=3)
    publish(connection, "champion", "3")
    publish(connection, "challenger", "4")
    predict_cohort(connection, "energy", "real", as_of=NOW)

    assert predict_cohort(connection, "energy", "real", as_of=NOW).shadow.written == 0
    assert shadows(connection) == [("3", "3", 4, 1), ("4", "3", 4, 1)]


def test_without_a_champion_the_challenger_stands_beside_the_baseline(connection: Connection) -> None:
    add_days(connection, people=4, days=3)
    publish(connection, "challenger", "4")

    predict_cohort(connection, "energy", "real", as_of=NOW)

    assert shadows(connection) == [("4", "none", 4, 1), ("none", "none", 4, 1)]


def test_a_champion_is_not_its_own_challenger(connection: Connection) -> None:
    add_days(connection, people=4, days=3)
    publish(connection, "champion", "3")
    publish(connection, "challenger", "3")

    assert predict_cohort(connection, "energy", "real", as_of=NOW).shadow.version is None
    assert shadows(connection) == []


def test_a_broken_challenger_keeps_nobody_from_their_prediction(connection: Connection) -> None:
    add_days(connection, people=4, days=3)
    publish(connection, "champion", "3")
    publish(connection, "challenger", "4", sha256="0" * 64)

    report = predict_cohort(connection, "energy", "real", as_of=NOW)

    assert (report.by_model, report.written) == (4, 4)
    assert "SHA-256" in (report.shadow.problem or "")
    assert shadows(connection) == []


def test_shadows_go_with_the_person(connection: Connection) -> None:
    add_days(connection, people=4, days=3)
    publish(connection, "champion", "3")
    publish(connection, "challenger", "4")
    predict_cohort(connection, "energy", "real", as_of=NOW)

    connection.execute("delete from app.users where user_id = %s", [person(0)])

    assert shadows(connection) == [("3", "3", 3, 1), ("4", "3", 3, 1)]


def test_both_are_held_against_what_people_said_next(connection: Connection) -> None:
    add_days(connection, people=6, days=3)
    publish(connection, "champion", "3")
    publish(connection, "challenger", "4")
    predict_cohort(connection, "energy", "real", as_of=START + timedelta(days=1))
    publish(connection, "challenger", "5")
    predict_cohort(connection, "energy", "real", as_of=START + timedelta(days=1, hours=23))

    found = compare_shadow(connection, "energy", "real")
    only = compare_shadow(connection, "energy", "real", version="5")

    assert (found.ratings, found.people) == (12, 6)
    # The champion is told with its reasons, and adds its trees up in double precision.
    assert found.lift.mean == pytest.approx(0.0, abs=1e-6)
    assert found.hours_until_rated == pytest.approx(0.5)  # half of them at once, half an hour later
    assert found.metrics["mae/champion"] == pytest.approx(found.metrics["mae/challenger"], abs=1e-6)
    assert [(pair.challenger, pair.champion, pair.ratings) for pair in found.pairs] == [
        ("4", "3", 6),
        ("5", "3", 6),
    ]
    assert only.ratings == 6


def test_moods_are_compared_as_classes(connection: Connection) -> None:
    add_days(connection, people=6, days=3)
    connection.execute(
        """
        insert into predictions.shadow_predictions (
            user_id, model_name, as_of, model_version, champion_version, model_source, value, probabilities, made_at
        )
        select
            labels.user_id, 'mood', labels.as_of, versions.version, '3', 'model', 0.0,
            jsonb_build_object(
                'very_negative', 0.0, 'negative', 0.0, 'neutral', versions.sure, 'positive', 1 - versions.sure,
                'very_positive', 0.0
            ),
            labels.as_of
        from intermediate.int_labels as labels
        cross join (values ('3', 0.0), ('4', 1.0)) as versions (version, sure)
        where labels.target = 'mood'
        """
    )

    found = compare_shadow(connection, "mood", "real")

    assert {"accuracy/champion", "accuracy/challenger", "rps/champion", "rps/challenger"} <= set(
        found.metrics
    )
    assert found.loss == "rps"


def test_a_rating_that_a_version_was_trained_on_does_not_judge_it_though_corrected_since(
    connection: Connection,
) -> None:
    add_days(connection, people=4, days=3)
    publish(connection, "champion", "3")
    publish(connection, "challenger", "4", trained_until=START + timedelta(days=9))
    predict_cohort(connection, "energy", "real", as_of=NOW)

    connection.execute("update intermediate.int_labels set known_at = known_at + interval '30 days'")

    with pytest.raises(NothingInTheShadowError, match="no rating followed"):
        compare_shadow(connection, "energy", "real")


def test_shadows_are_forgotten_once_no_training_looks_back_so_far(connection: Connection) -> None:
    add_days(connection, people=4, days=3)
    publish(connection, "champion", "3")
    publish(connection, "challenger", "4")
    predict_cohort(connection, "energy", "real", as_of=NOW)
    connection.execute(
        "update predictions.shadow_predictions set created_at = created_at - interval '91 days'"
        " where user_id = %s",
        [person(0)],
    )

    assert forget_old_shadows(connection, clock.now()) == 2
    assert shadows(connection) == [("3", "3", 3, 1), ("4", "3", 3, 1)]
