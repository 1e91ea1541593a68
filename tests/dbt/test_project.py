"""The dbt project keeps its house in order where dbt-bouncer has no rule for it."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from aurora.scores.catalogue import SCORES
from aurora.settings import load_settings
from pipelines.transformation.dbt_runs import parse


@pytest.fixture(scope="module")
def manifest() -> dict[str, Any]:
    return json.loads(parse(data_dir=load_settings().data_dir))


def models(manifest: dict[str, Any]) -> list[dict[str, Any]]:
    return [node for node in manifest["nodes"].values() if node["resource_type"] == "model"]


def test_every_model_belongs_to_a_group_with_an_owner(manifest: dict[str, Any]) -> None:
    owners = {group["name"]: group["owner"] for group in manifest["groups"].values()}

    assert [model["name"] for model in models(manifest) if not owners.get(model["config"]["group"])] == []
    assert all(owner["name"] and owner["email"] for owner in owners.values())


def test_each_column_of_what_dbt_reads_is_described(manifest: dict[str, Any]) -> None:
    undescribed = [
        f"{source['schema']}.{source['name']}.{column['name']}: aurora/database/column_descriptions.py"
        for source in manifest["sources"].values()
        for column in source["columns"].values()
        if not column["description"]
    ]

    assert undescribed == []
    assert all(source["columns"] for source in manifest["sources"].values())


def test_each_exposure_says_what_it_reads(manifest: dict[str, Any]) -> None:
    readers = manifest["exposures"].values()

    assert {"serving_api", "model_training", "metrics_layer", "analyst_queries"} <= {
        reader["name"] for reader in readers
    }
    assert all(reader["depends_on"]["nodes"] for reader in readers)


def test_exposure_of_the_metrics_names_what_the_metrics_read(manifest: dict[str, Any]) -> None:
    read = {node for model in manifest["semantic_models"].values() for node in model["depends_on"]["nodes"]}
    [exposure] = [entry for entry in manifest["exposures"].values() if entry["name"] == "metrics_layer"]

    assert read | {"model.aurora_life.calendar"} == set(exposure["depends_on"]["nodes"])


def test_model_of_a_noun_carries_its_tag(manifest: dict[str, Any]) -> None:
    nouns = {"staging": "events", "intermediate": "events"}
    untagged = [
        model["name"]
        for model in models(manifest)
        if nouns.get(folder := model["fqn"][1], folder) not in model["tags"]
    ]

    assert untagged == []


def test_mart_of_scores_names_every_score(manifest: dict[str, Any]) -> None:
    told = manifest["nodes"]["model.aurora_life.scores"]["columns"]["score_name"]["description"]

    assert set(re.findall(r"`(\w+)`", told)) == SCORES.keys()


def test_no_view_reads_a_table_that_each_build_replaces(manifest: dict[str, Any]) -> None:
    # dbt drops the old table with all that reads it, and a build that keeps its views would not bring them back.
    replaced = {
        model["unique_id"] for model in models(manifest) if model["config"]["materialized"] == "table"
    }
    readers = [
        model["name"]
        for model in models(manifest)
        if model["config"]["materialized"] == "view" and replaced & set(model["depends_on"]["nodes"])
    ]

    assert replaced
    assert readers == []
