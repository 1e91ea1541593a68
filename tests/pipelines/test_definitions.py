"""The Dagster assembly: every asset says what it is, whose, and what is checked about it."""

from __future__ import annotations

from functools import cache

import dagster as dg
import pytest


@cache
def _definitions() -> dg.Definitions:
    from pipelines.definitions import defs

    return defs


def _specs() -> list[dg.AssetSpec]:
    return [spec for spec in _definitions().resolve_all_asset_specs() if spec.group_name != "default"]


def test_every_asset_has_group_owner_kind_and_description() -> None:
    incomplete = [
        spec.key.to_user_string()
        for spec in _specs()
        if not (spec.group_name and spec.owners and spec.kinds and spec.description)
    ]

    assert incomplete == []


def test_groups_are_the_nouns_and_the_marts() -> None:
    assert {spec.group_name for spec in _specs()} == {
        "events",
        "features",
        "scores",
        "models",
        "predictions",
        "marts",
    }


def test_no_group_waits_for_a_later_one_so_that_the_graph_reads_from_left_to_right() -> None:
    order = ["events", "features", "scores", "models", "predictions", "marts"]
    group_of = {spec.key: spec.group_name for spec in _specs()}
    backwards = [
        f"{dep.asset_key.to_user_string()} → {spec.key.to_user_string()}"
        for spec in _specs()
        for dep in spec.deps
        if dep.asset_key in group_of
        and order.index(group_of[dep.asset_key] or "") > order.index(spec.group_name or "")
    ]

    assert backwards == []


def test_asset_key_is_the_address_of_a_table() -> None:
    assert all(len(spec.key.path) == 2 for spec in _specs())


@pytest.mark.parametrize("group", ["features", "scores", "models", "predictions", "marts"])
def test_every_table_that_others_read_is_checked(group: str) -> None:
    graph = _definitions().resolve_asset_graph()
    unchecked = [
        spec.key.to_user_string()
        for spec in _specs()
        if spec.group_name == group
        and graph.get(spec.key).is_executable
        and not graph.get_check_keys_for_assets({spec.key})
    ]

    assert unchecked == []


def test_the_daily_job_runs_at_two_in_the_morning_utc() -> None:
    schedule = _definitions().resolve_schedule_def("run_daily_at_0200_utc")

    assert schedule.cron_schedule == "0 2 * * *"
    assert schedule.execution_timezone == "UTC"
    assert schedule.job_name == "run_daily"


def test_the_daily_job_builds_the_warehouse_in_one_step() -> None:
    """Where checks and assets wait for one another in a circle, Dagster cuts steps in two: no build is recorded."""
    steps = [node.name for node in _definitions().resolve_job_def("run_daily").nodes]

    assert {step for step in steps if step.startswith("warehouse")} == {
        "warehouse",
        "warehouse_after_predictions",
        "warehouse_after_patterns",
    }
    assert [step for step in steps if step.rpartition("_")[2].isdigit()] == []


def test_the_daily_job_runs_all_four_verbs() -> None:
    selected = {
        key.path[0] for key in _definitions().resolve_job_def("run_daily").asset_layer.executable_asset_keys
    }

    assert {
        "raw",
        "staging",
        "intermediate",
        "features",
        "scores",
        "marts",
        "models",
        "predictions",
    } <= selected
