"""The asset of batch prediction, materialized: what breaks one cohort costs no other its predictions."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import psycopg
import pytest

from aurora.predictions.artifact import ArtifactDamagedError
from pipelines.prediction.assets import PREDICTION_ASSETS, predict_batch
from pipelines.resources import ReplayResource, default_resources
from tests.aurora.models.people import an_energy_artifact
from tests.pipelines.training.warehouse import START, add_people, add_tiles, build_tables

NOW = START + timedelta(days=2, hours=12)


def publish_damaged(connection: psycopg.Connection, name: str) -> None:
    """A champion whose bytes are not those that its hash promises."""
    connection.execute(
        """
        insert into predictions.model_artifacts (model_name, model_version, artifact, sha256, metadata)
        values (%s, '3', %s, %s, '{}')
        """,
        [name, an_energy_artifact(), "0" * 64],
    )
    connection.execute("insert into predictions.model_aliases values (%s, 'champion', '3')", [name])


def resources(url: str, folder: Path, cohorts: list[str], damaged: list[str]) -> dict[str, Any]:
    """Of a database with these cohorts, and damaged champions."""
    with psycopg.connect(url) as connection:
        build_tables(connection)
        for cohort in cohorts:
            add_people(connection, cohort=cohort, people=2, days=3)
        add_tiles(connection)
        for name in damaged:
            publish_damaged(connection, name)
    return default_resources(
        {"postgres_url": url, "data_dir": str(folder)}, replay=ReplayResource(as_of=NOW.isoformat())
    )


def test_a_cohort_that_cannot_be_predicted_for_is_told_of_and_the_other_gets_its_predictions(
    committed_database: str, tmp_path: Path
) -> None:
    # In the order of prediction, the broken one comes first.
    given = resources(committed_database, tmp_path, ["broken", "real"], ["energy.broken"])
    result = dg.materialize(PREDICTION_ASSETS, resources=given)

    with psycopg.connect(committed_database) as connection:
        predicted = connection.execute(
            "select users.cohort, predictions.model_name, count(*)"
            " from predictions.predictions as predictions"
            " inner join app.users as users on users.user_id = predictions.user_id"
            " group by users.cohort, predictions.model_name"
        ).fetchall()
    (check,) = result.get_asset_check_evaluations()
    assert set(predicted) == {("broken", "mood", 2), ("real", "energy", 2), ("real", "mood", 2)}
    assert (check.check_name, check.passed) == ("every_cohort_was_predicted_for", False)
    assert "predicting energy for cohort broken failed: ArtifactDamagedError" in str(
        check.metadata["which"].value
    )


def test_cohorts_that_are_predicted_for_turn_no_check_red(committed_database: str, tmp_path: Path) -> None:
    given = resources(committed_database, tmp_path, ["real"], [])

    (check,) = dg.materialize(PREDICTION_ASSETS, resources=given).get_asset_check_evaluations()

    assert check.passed


def test_the_run_fails_when_nobody_can_be_predicted_for(committed_database: str, tmp_path: Path) -> None:
    given = resources(committed_database, tmp_path, ["broken"], ["energy.broken", "mood.broken"])

    # Called, not materialized: a run would try again, three times and in more than a minute.
    with pytest.raises(ArtifactDamagedError):
        predict_batch(
            dg.build_asset_context(), **{name: given[name] for name in ("settings", "postgres", "replay")}
        )
