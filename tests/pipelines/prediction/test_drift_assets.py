from __future__ import annotations

from pathlib import Path
from typing import Any

import dagster as dg
import psycopg
import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.multiprocess import MultiProcessCollector

from aurora import clock
from pipelines.prediction.drift_assets import DRIFT_ASSETS, DRIFT_CHECKS
from pipelines.resources import default_resources
from tests.pipelines.prediction.served import a_reference, publish, serve


def run(url: str, data_dir: Path) -> dg.ExecuteInProcessResult:
    resources = default_resources({"postgres_url": url, "data_dir": str(data_dir)})
    return dg.materialize([*DRIFT_ASSETS, *DRIFT_CHECKS], resources=resources)


def red(result: dg.ExecuteInProcessResult) -> set[str]:
    evaluations = result.get_asset_check_evaluations()
    assert {one.severity for one in evaluations} == {dg.AssetCheckSeverity.ERROR}
    return {one.check_name for one in evaluations if not one.passed}


def metrics(data_dir: Path) -> dict[str, float]:
    registry = CollectorRegistry()
    MultiProcessCollector(registry, str(data_dir / "run" / "metrics"))
    return {
        sample.name: sample.value
        for metric in registry.collect()
        for sample in metric.samples
        if sample.labels.get("model") == "energy"
    }


@pytest.mark.parametrize(
    ("changes", "wrong", "columns"),
    [
        ({}, set(), 0),
        ({"longer_sleep": 90}, {"served_features_look_like_training"}, 1),
        ({"better_answers": 2}, {"predictions_look_like_training"}, 1),
    ],
)
def test_checks_and_metrics_say_what_has_moved(
    role_url: Any,
    committed_database: str,
    tmp_path: Path,
    changes: dict[str, float],
    wrong: set[str],
    columns: int,
) -> None:
    with psycopg.connect(committed_database) as connection:
        publish(connection, a_reference())
        serve(connection, clock.now(), **changes)  # type: ignore[arg-type]  # all of them are numbers

    result = run(role_url("aurora_pipelines", committed_database), tmp_path)

    assert red(result) == wrong
    assert metrics(tmp_path)["aurora_predictions_drift_moved_columns"] == columns
    assert (metrics(tmp_path)["aurora_predictions_drift_largest_psi"] >= 0.1) == bool(wrong)


def test_a_second_run_writes_nothing_and_shows_what_the_first_did(
    role_url: Any, committed_database: str, tmp_path: Path
) -> None:
    with psycopg.connect(committed_database) as connection:
        publish(connection, a_reference())
        serve(connection, clock.now(), longer_sleep=90)
    url = role_url("aurora_pipelines", committed_database)

    first, second = (
        run(url, tmp_path).asset_materializations_for_node("predictions__drift")[0].metadata for _ in range(2)
    )

    assert (first["written"].value, second["written"].value) == (3, 0)
    assert first["dagster/row_count"] == second["dagster/row_count"] == dg.IntMetadataValue(3)
    assert "sleep_minutes" in str(second["outcome"].value)
    assert "data:image/png" in str(second["energy: sleep_minutes"].value)


def test_without_any_model_the_checks_are_green_and_say_that_nothing_was_measured(
    role_url: Any, committed_database: str, tmp_path: Path
) -> None:
    result = run(role_url("aurora_pipelines", committed_database), tmp_path)

    assert red(result) == set()
    days = {
        str(one.metadata["day"].value)
        for one in result.get_asset_check_evaluations()
        if one.check_name.endswith("look_like_training")
    }
    assert days == {"none"}


def test_a_champion_whose_drift_cannot_be_measured_is_told_of_and_the_others_are_measured(
    role_url: Any, committed_database: str, tmp_path: Path
) -> None:
    with psycopg.connect(committed_database) as connection:
        publish(connection, a_reference())
        serve(connection, clock.now(), longer_sleep=90)
        # In the order of measuring, the broken one comes first.
        publish(connection, a_reference(), name="energy.broken")
        serve(connection, clock.now(), cohort="broken")
        connection.execute(
            "update predictions.model_artifacts set metadata = jsonb_set(metadata, '{reference}', '7')"
            " where model_name = 'energy.broken'"
        )

    result = run(role_url("aurora_pipelines", committed_database), tmp_path)

    assert red(result) == {"drift_of_every_cohort_was_measured", "served_features_look_like_training"}
    [check] = [one for one in result.get_asset_check_evaluations() if one.check_name.startswith("drift_of")]
    assert "measuring drift of energy for cohort broken failed: ValidationError" in str(
        check.metadata["which"].value
    )
    assert (check.metadata["done"].value, check.metadata["failed"].value) == (3, 1)
