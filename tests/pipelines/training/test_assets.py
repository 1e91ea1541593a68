"""The asset of a model, materialized: what breaks the training of one cohort costs no other its model."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import dagster as dg
import psycopg
import pytest
from xgboost.core import XGBoostError

from aurora.predictions.storage import read_predictor
from pipelines import each_cohort
from pipelines.resources import default_resources
from pipelines.training.assets import MODEL_ASSETS
from pipelines.training.tracking import connect
from tests.pipelines.training.warehouse import add_people, person

ENERGY_ASSET = MODEL_ASSETS[0]


@pytest.fixture(autouse=True)
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(each_cohort, "PAUSE_SECONDS", 0.0)


def resources(url: str, mlflow_uri: str, folder: Path) -> dict[str, Any]:
    return default_resources({"postgres_url": url, "mlflow_uri": mlflow_uri, "data_dir": str(folder)})


def materialized(url: str, mlflow_uri: str, folder: Path) -> dg.ExecuteInProcessResult:
    return dg.materialize([ENERGY_ASSET], resources=resources(url, mlflow_uri, folder))


def break_training(connection: psycopg.Connection[Any], cohort: str) -> None:
    """A feature that is infinite: no booster takes such a row."""
    connection.execute(
        "update features.moment_features set avg_sleep_last_7d = 'Infinity' where user_id = %s",
        [person(0, cohort)],
    )


def test_a_cohort_that_cannot_be_trained_is_told_of_and_the_other_gets_its_champion(
    connection: psycopg.Connection[Any], pipelines_url: str, mlflow_uri: str, tmp_path: Path
) -> None:
    # In the order of training, the broken one comes first.
    add_people(connection, cohort="broken")
    add_people(connection, cohort="real")
    break_training(connection, "broken")

    result = materialized(pipelines_url, mlflow_uri, tmp_path)

    (materialization,) = result.asset_materializations_for_node(ENERGY_ASSET.node_def.name)
    (check,) = result.get_asset_check_evaluations()
    champion = read_predictor(connection, "energy", "real")
    alias = connect(mlflow_uri).get_model_version_by_alias("energy", "champion")
    assert champion is not None
    assert str(alias.version) == champion.version
    assert read_predictor(connection, "energy", "broken") is None
    assert (check.check_name, check.passed) == ("energy_was_trained_for_every_cohort", False)
    assert check.severity == dg.AssetCheckSeverity.ERROR
    assert "cohort broken failed" in str(check.metadata["which"].value)
    assert materialization.metadata["failed"].value == 1
    assert "| energy.broken | failed |" in str(materialization.metadata["outcome"].value)


def test_the_run_fails_when_no_cohort_can_be_trained(
    connection: psycopg.Connection[Any], pipelines_url: str, mlflow_uri: str, tmp_path: Path
) -> None:
    add_people(connection, cohort="broken")
    break_training(connection, "broken")
    given = resources(pipelines_url, mlflow_uri, tmp_path)

    # Called, not materialized: a run would try again, twice and in a minute.
    with pytest.raises(XGBoostError):
        ENERGY_ASSET(
            dg.build_asset_context(), **{name: given[name] for name in ("settings", "postgres", "replay")}
        )


def test_cohorts_that_are_trained_turn_no_check_red(
    connection: psycopg.Connection[Any], pipelines_url: str, mlflow_uri: str, tmp_path: Path
) -> None:
    add_people(connection)

    result = materialized(pipelines_url, mlflow_uri, tmp_path)

    (check,) = result.get_asset_check_evaluations()
    assert check.passed
