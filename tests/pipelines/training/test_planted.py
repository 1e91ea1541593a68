"""Challengers that must not become champion, planted: learned by heart, or told what they are asked."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final, LiteralString

import psycopg
import pytest

from aurora.models.catalogue import ENERGY
from aurora.models.metrics import absolute_error
from aurora.predictions.storage import read_predictor
from pipelines.training.rows import read_training_rows
from tests.pipelines.training.quick_training import QUICK, train
from tests.pipelines.training.warehouse import add_people

Connection = psycopg.Connection[Any]

BY_HEART: Final = replace(
    QUICK["energy"],
    recipe="by-heart",
    params={
        **{name: value for name, value in ENERGY.params.items() if name != "huber_slope"},
        "objective": "reg:squarederror",
        "eta": 1.0,
        "max_depth": 14,
        "min_child_weight": 0,
        "lambda": 0.0,
        "subsample": 1.0,
        "colsample_bytree": 1.0,
    },
)
"""One deep tree has a leaf for nearly every rating."""

THE_RATING_AS_SLEEP: Final[LiteralString] = """
    update features.moment_features as features
    set avg_sleep_last_7d = 60 * labels.value
    from intermediate.int_labels as labels
    where labels.target = 'energy' and (labels.user_id, labels.as_of) = (features.user_id, features.as_of)
"""
A_WEEK_WITH_TODAY: Final[LiteralString] = """
    update features.moment_features as features
    set energy_rolling_mean_7d = (
        select avg(labels.value)
        from intermediate.int_labels as labels
        where
            labels.target = 'energy'
            and labels.user_id = features.user_id
            and labels.as_of > features.as_of - interval '7 days'
            and labels.as_of <= features.as_of
    )
"""
CEILING: Final[LiteralString] = """
    insert into raw.simulations (cohort, seed, users, days, ends_on, truth_path, ceiling)
    values (
        'simulated', 7, 40, 90, '2026-03-31', 'no/such/file',
        '{"attainable": {"energy_mae": 0.52, "energy_r2": 0.79}}'
    )
"""
"""What the noise of these people's ratings allows at best."""


def add_people_who_rate_seldom(connection: Connection, cohort: str) -> None:
    """A week's mean is today's rating alone, or half of it."""
    for day in range(90):
        if day % 12 in (0, 4):
            add_people(connection, cohort=cohort, people=40, first_day=day, days=1, seed=3)


@pytest.mark.parametrize("has_champion", [False, True], ids=["no champion", "a champion"])
def test_a_model_that_has_learned_by_heart_is_refused(
    connection: Connection, mlflow_uri: str, has_champion: bool
) -> None:
    add_people(connection)
    if has_champion:
        assert train(connection, mlflow_uri).outcome == "promoted"

    report = train(connection, mlflow_uri, spec=BY_HEART)

    learned = read_predictor(connection, "energy", "real", alias="challenger")
    champion = read_predictor(connection, "energy", "real")
    rows = read_training_rows(connection, BY_HEART, "real")
    assert learned is not None
    people = [rows.people[user] for user in rows.users]
    answers = learned.answers(rows.table, people, fallback=False).values
    assert absolute_error(rows.values, answers).mean() < 0.2, "it was not planted"
    assert report.metrics["mae/model"] > 0.6
    assert report.outcome == "refused"
    assert "does not win" in report.sentences[1]
    assert (champion.version if champion else None) == ("1" if has_champion else None)


@pytest.mark.parametrize("cohort", ["real", "simulated"])
@pytest.mark.parametrize(
    "leak", [THE_RATING_AS_SLEEP, A_WEEK_WITH_TODAY], ids=["the rating", "a week's mean that includes today"]
)
def test_a_leak_that_came_after_a_champion_is_refused_and_goes_nowhere(
    connection: Connection, mlflow_uri: str, leak: LiteralString, cohort: str
) -> None:
    add_people_who_rate_seldom(connection, cohort)
    if cohort == "simulated":
        connection.execute(CEILING)
    honest = train(connection, mlflow_uri, cohort=cohort)
    connection.execute(leak)

    report = train(connection, mlflow_uri, cohort=cohort)

    champion = read_predictor(connection, "energy", cohort)
    assert honest.outcome == "promoted", honest.sentences
    assert report.reference == f"champion {honest.version}"
    assert report.outcome == "refused"
    assert any("look for a leak" in sentence for sentence in report.sentences)
    assert champion is not None
    assert champion.version == honest.version
    assert read_predictor(connection, "energy", cohort, alias="challenger") is None
