"""Every asset shows in Dagster's UI what a data engineer looks for there. A new one is told what it lacks.

Of definitions; what a run has to show of it stands in `test_materialized_promises.py`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import cache

import dagster as dg
import pytest
from croniter import croniter
from dagster._core.definitions.freshness import CronFreshnessPolicy
from dagster._core.definitions.metadata.metadata_set import TableMetadataSet
from dagster_dbt.asset_utils import get_asset_check_key_for_test

from aurora.settings import load_settings
from pipelines.asset_defaults import columns_of, complete
from pipelines.hours import FRESH_DAILY
from pipelines.transformation.sources import WRITTEN_BY_OTHERS

NO_TABLES = {"models"}
"""Groups whose assets are no tables."""


@cache
def definitions() -> dg.Definitions:
    from pipelines.definitions import defs

    return defs


@cache
def specs() -> dict[dg.AssetKey, dg.AssetSpec]:
    return {spec.key: spec for spec in definitions().resolve_all_asset_specs()}


@cache
def graph() -> dg.AssetGraph:
    return definitions().resolve_asset_graph()


def made() -> list[dg.AssetSpec]:
    """The assets that a run makes; the others are tables that another process writes."""
    return [spec for key, spec in specs().items() if graph().get(key).is_executable]


def lacking(has: Callable[[dg.AssetSpec], object], among: list[dg.AssetSpec], what_to_do: str) -> str:
    """The assets for which `has` is not true, and what to do about it; empty when there are none."""
    names = [spec.key.to_user_string() for spec in among if not has(spec)]
    return f"{', '.join(names)}: {what_to_do}" if names else ""


def op_of(spec: dg.AssetSpec) -> dg.OpDefinition:
    op = definitions().resolve_assets_def(spec.key).op
    assert isinstance(op, dg.OpDefinition)
    return op


def test_there_are_assets_of_both_kinds() -> None:
    assert len(made()) > 70
    assert set(specs()) - {spec.key for spec in made()}


def test_each_has_a_group_among_the_nouns() -> None:
    nouns = {"events", "features", "scores", "models", "predictions", "marts"}

    assert not lacking(
        lambda spec: spec.group_name in nouns,
        list(specs().values()),
        "give it a group_name, or a dbt model a group (dbt_project/dbt_project.yml)",
    )


def test_each_has_an_owner_that_is_a_team() -> None:
    assert not lacking(
        lambda spec: spec.owners and all(owner.startswith("team:") for owner in spec.owners),
        list(specs().values()),
        "give it owners=['team:…']; a dbt model has those of its group (models/_groups.yml)",
    )


def test_each_says_what_it_is_made_with() -> None:
    assert not lacking(
        lambda spec: spec.kinds,
        list(specs().values()),
        "give it kinds={…}, e.g. 'postgres', 'polars', 'mlflow'",
    )


def test_each_can_be_searched_by_noun_verb_and_schema() -> None:
    assert not lacking(
        lambda spec: all(spec.tags.get(name) for name in ("noun", "verb", "schema")),
        list(specs().values()),
        "pass it through pipelines.asset_defaults.complete, and give its group a line in VERB_OF_GROUP",
    )


def test_each_table_with_a_user_is_tagged_as_holding_people() -> None:
    with_user = [
        spec for spec in specs().values() if "user_id" in {column.name for column in columns_of(spec)}
    ]

    assert len(with_user) > 50
    assert not lacking(lambda spec: spec.tags.get("holds") == "people", with_user, "see asset_defaults.py")


def test_each_is_described_and_each_table_says_what_one_row_is() -> None:
    every = list(specs().values())

    assert not lacking(lambda spec: spec.description, every, "give it a docstring or a description")
    assert not lacking(
        lambda spec: re.search(r"\bone row (per|for|of)\b", spec.description or "", re.IGNORECASE),
        [spec for spec in made() if spec.group_name not in NO_TABLES],
        "end its description with its grain: 'One row per user per local day.'",
    )


def test_each_table_says_its_columns_and_where_it_lies() -> None:
    tables = [spec for spec in specs().values() if spec.group_name not in NO_TABLES]

    assert not lacking(
        columns_of, tables, "metadata=column_schema_of(table); a dbt model: describe its columns in its .yml"
    )
    assert not lacking(
        lambda spec: (
            TableMetadataSet.extract(spec.metadata).table_name == f"aurora.{'.'.join(spec.key.path)}"
        ),
        tables,
        "metadata=column_schema_of(table)",
    )


def test_each_is_expected_fresh_after_a_schedule_that_makes_it() -> None:
    """By the deadline a run that began on time and took as long as it may is over."""
    for spec in made():
        policy = spec.freshness_policy

        assert isinstance(policy, CronFreshnessPolicy), f"{spec.key}: pass it through asset_defaults.complete"
        deadline = croniter(policy.deadline_cron, datetime(2026, 3, 2, tzinfo=UTC)).get_next(datetime)
        begins = [
            croniter(str(schedule.cron_schedule), deadline).get_prev(datetime)
            for schedule in schedules_of(spec)
        ]
        assert begins, f"{spec.key} is in no scheduled job: add it to run_daily, or give it a schedule"
        assert any(
            deadline - policy.lower_bound_delta <= begin <= deadline - timedelta(hours=1) for begin in begins
        ), (
            f"{spec.key}: its freshness policy expects it at {deadline:%H:%M}, which fits no schedule of its own"
        )


def test_each_that_others_write_is_expected_fresh_by_the_build_that_notes_it() -> None:
    written_by_others = [spec for spec in specs().values() if not graph().get(spec.key).is_executable]

    assert {".".join(spec.key.path) for spec in written_by_others} == set(WRITTEN_BY_OTHERS)
    assert {spec.freshness_policy for spec in written_by_others} == {FRESH_DAILY}


@cache
def _schedules() -> tuple[dg.ScheduleDefinition, ...]:
    schedules = definitions().schedules or []
    return tuple(schedule for schedule in schedules if isinstance(schedule, dg.ScheduleDefinition))


def schedules_of(spec: dg.AssetSpec) -> list[dg.ScheduleDefinition]:
    """The schedules whose job makes the asset."""
    found = []
    for schedule in _schedules():
        job = definitions().resolve_job_def(schedule.job_name)
        if spec.key in job.asset_layer.executable_asset_keys:
            found.append(schedule)
    return found


def test_each_is_made_by_the_clock_of_a_named_zone_that_runs_by_default() -> None:
    def is_automatic(spec: dg.AssetSpec) -> bool:
        return spec.automation_condition is not None or any(
            schedule.execution_timezone and schedule.default_status == dg.DefaultScheduleStatus.RUNNING
            for schedule in schedules_of(spec)
        )

    assert not lacking(is_automatic, made(), "add it to run_daily, or give it an automation_condition")


def test_each_is_checked() -> None:
    assert not lacking(
        lambda spec: graph().get_check_keys_for_assets({spec.key}),
        made(),
        "test its key in its .yml, or write an @dg.asset_check",
    )


def test_each_comes_after_all_that_its_dbt_tests_read() -> None:
    from pipelines.transformation.assets import TRANSLATOR, manifest

    known, too_early = manifest(), set()
    tests = [node for node in known["nodes"].values() if node["resource_type"] == "test"]
    for node in tests:
        check = get_asset_check_key_for_test(known, TRANSLATOR, node["unique_id"], project=None)
        assert check is not None, node["name"]
        made_with = graph().get(check.asset_key).assets_def.keys
        # Steps of parents only: what stands between may not be in the run, and nobody waits for what is not.
        parents = {parent for key in made_with for parent in graph().get(key).parent_keys}
        waited_for = {
            key
            for parent in parents
            if (step := graph().get(parent)).is_executable
            for key in step.assets_def.keys
        }
        for read in node["depends_on"]["nodes"]:
            key = TRANSLATOR.get_asset_key(known["nodes"][read])
            if key not in made_with | waited_for:
                too_early.add(f"{check.asset_key.to_user_string()} is tested with {key.to_user_string()}")

    assert too_early == set()


def test_each_links_to_its_code_a_dbt_model_to_its_sql() -> None:
    def links(spec: dg.AssetSpec) -> list[str]:
        value = spec.metadata.get("dagster/code_references")
        references = value.code_references if isinstance(value, dg.CodeReferencesMetadataValue) else []
        return [str(getattr(reference, "file_path", "")) for reference in references]

    assert not lacking(links, made(), "pass it through asset_defaults.complete")
    by_dbt = [spec for spec in made() if "dbt" in spec.kinds]
    assert not lacking(
        lambda spec: any(link.endswith(f"/{spec.key.path[-1]}.sql") for link in links(spec)),
        by_dbt,
        "see above",
    )


def test_each_partitioned_one_is_backfilled_in_a_single_run() -> None:
    partitioned = [spec for spec in made() if spec.partitions_def is not None]

    assert partitioned
    assert not lacking(
        lambda spec: graph().get(spec.key).backfill_policy == dg.BackfillPolicy.single_run(),
        partitioned,
        "backfill_policy=dg.BackfillPolicy.single_run()",
    )


def test_each_that_builds_has_a_pool_and_ingestion_has_none() -> None:
    """A landed file must not wait for a build: imports are kept apart by a lock on their file."""
    ingestion = {"store_events", "raw__import_rows"}

    assert not lacking(
        lambda spec: bool(op_of(spec).pool) != (op_of(spec).name in ingestion),
        made(),
        "pool=… of pipelines/pools.py",
    )


def test_each_ends_by_itself_and_tries_again_where_that_helps() -> None:
    assert not lacking(
        lambda spec: op_of(spec).tags.get("dagster/max_runtime"), made(), "op_tags={'dagster/max_runtime': …}"
    )
    in_the_daily_run = [spec for spec in made() if spec.key != dg.AssetKey(["raw", "event_archives"])]
    assert not lacking(lambda spec: op_of(spec).retry_policy, in_the_daily_run, "retry_policy=RETRIES")


@pytest.mark.parametrize(
    ("url", "starts_with"),
    [
        ("https://github.com/example/aurora", "https://github.com/example/aurora/tree/next/"),
        ("https://gitlab.example.org/aurora", "https://gitlab.example.org/aurora/-/tree/next/"),
        ("https://code.example.org/aurora", "https://code.example.org/aurora/tree/next/"),
    ],
)
def test_links_lead_to_the_repository_that_is_set(url: str, starts_with: str) -> None:
    @dg.asset
    def rows() -> None:
        """One row per thing."""

    (linked,) = complete([rows], load_settings(code_url=url, code_branch="next"))
    (reference,) = next(iter(linked.specs)).metadata["dagster/code_references"].code_references

    assert isinstance(reference, dg.UrlCodeReference)
    assert reference.url.startswith(f"{starts_with}tests/pipelines/test_asset_promises.py")


def test_an_asset_keeps_what_it_says_itself() -> None:
    own = dg.FreshnessPolicy.time_window(fail_window=timedelta(hours=1))

    @dg.asset(key=["marts", "things"], group_name="marts", freshness_policy=own, tags={"verb": "prediction"})
    def things() -> None:
        """One row per thing."""

    (completed,) = complete([things], load_settings())
    spec = next(iter(completed.specs))

    assert spec.freshness_policy == own
    assert dict(spec.tags) == {"noun": "marts", "verb": "prediction", "schema": "marts"}
