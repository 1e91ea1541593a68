"""After a real run every asset shows in Dagster how many rows it has, some of them, and where its columns come from."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date, timedelta
from typing import Any, TypeGuard

import dagster as dg
import pytest

from aurora import clock
from aurora.database.grants import PIPELINES
from pipelines.asset_defaults import columns_of
from pipelines.ingestion.progress import Silence
from pipelines.ingestion.simulated_people import import_simulation, write_simulation
from pipelines.ingestion.simulator import SimulationSpec
from pipelines.resources import default_resources
from tests.fixtures.database import fresh_database

pytestmark = pytest.mark.slow

NO_TABLES = "models"
"""A group whose assets are no tables, and take minutes to train."""

Shown = dict[str, dict[str, Any]]
"""Asset → metadata of its last materialization."""


@pytest.fixture(scope="module")
def shown(
    postgres_admin_url: str,
    template_database: str,
    worker_id: str,
    role_url: Callable[..., str],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Shown]:
    """What Dagster shows after the daily job, the search for patterns and the archive, over simulated people."""
    from pipelines.definitions import defs

    folder = tmp_path_factory.mktemp("materialized")
    today = clock.now().date()
    for url in fresh_database(postgres_admin_url, template_database, f"aurora_shown_{worker_id}"):
        spec = SimulationSpec(users=3, days=30, seed=7, ends_on=today - timedelta(days=1))
        simulation = write_simulation(spec, folder, lambda _done, _of: None)
        import_simulation(
            simulation, postgres_url=url, data_key="cd" * 32, data_dir=folder, progress=Silence()
        )
        settings = {
            "postgres_url": role_url(PIPELINES, url),
            "data_dir": str(folder),
            "data_key": "cd" * 32,
            "redis_url": "",
        }
        instance = dg.DagsterInstance.ephemeral()
        keys = {spec.key for spec in defs.resolve_all_asset_specs() if spec.group_name != NO_TABLES}
        monday = today - timedelta(days=today.weekday() + 7)
        patterns = {dg.AssetKey(["insights", name]) for name in ("pattern_searches", "patterns")}
        archives = {dg.AssetKey(["raw", "event_archives"])}
        # First the warehouse alone: the daily build after it keeps the views, and shows them all the same.
        built = next(asset for asset in defs.assets or () if has_op(asset, "warehouse")).keys
        for selected, partition in (
            (set(built), None),
            (keys - patterns - archives, today),
            (patterns, monday),
            (archives, None),
        ):
            run(defs, selected, partition, instance, settings)
        yield {
            key.to_user_string(): metadata_of(instance.get_latest_materialization_event(key)) for key in keys
        }


def has_op(asset: Any, name: str) -> TypeGuard[dg.AssetsDefinition]:
    return isinstance(asset, dg.AssetsDefinition) and asset.op.name == name


def run(
    defs: dg.Definitions,
    keys: set[dg.AssetKey],
    partition: date | None,
    instance: dg.DagsterInstance,
    settings: dict[str, Any],
) -> None:
    made = [asset for asset in defs.assets or () if isinstance(asset, dg.AssetsDefinition)]
    result = dg.materialize(
        [*made, *(check for check in defs.asset_checks or () if isinstance(check, dg.AssetsDefinition))],
        selection=dg.AssetSelection.assets(*(key for asset in made for key in asset.keys & keys)),
        partition_key=partition.isoformat() if partition else None,
        instance=instance,
        resources=default_resources(settings),
        run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
        raise_on_error=False,
    )
    assert result.success, [
        event.step_failure_data.error for event in result.all_events if event.is_step_failure
    ]


def metadata_of(entry: dg.EventLogEntry | None) -> dict[str, Any]:
    return dict(entry.asset_materialization.metadata) if entry and entry.asset_materialization else {}


def without(shown: Shown, has: Callable[[str, dict[str, Any]], object]) -> list[str]:
    return sorted(name for name, metadata in shown.items() if not has(name, metadata))


def by_dbt() -> set[str]:
    from pipelines.definitions import defs

    return {spec.key.to_user_string() for spec in defs.resolve_all_asset_specs() if "dbt" in spec.kinds}


def test_each_was_seen_by_a_run_whoever_writes_it(shown: Shown) -> None:
    assert without(shown, lambda _, metadata: metadata) == []


def test_each_has_a_number_of_rows_that_plots(shown: Shown) -> None:
    assert (
        without(
            shown,
            lambda _, metadata: {"dagster/row_count", "dagster/partition_row_count"} & metadata.keys(),
        )
        == []
    )


def test_each_that_dbt_makes_shows_rows_of_simulated_people(shown: Shown) -> None:
    names = by_dbt()

    assert without(shown, lambda name, metadata: name not in names or metadata["sample"].value) == []
    assert "|" in shown["marts/scores"]["sample"].value


FROM_NO_COLUMN = {
    *("score_name", "feature_set", "noun", "target", "version"),  # constants
    *("active_days", "days", "events", "parts", "predictions"),  # counts of rows
    *("features", "payload_numbers"),  # all of a row, and of its JSON
}
OUT_OF_NOTHING = {"marts/calendar", "marts/feature_definitions"}


def test_each_that_dbt_makes_says_where_its_columns_come_from(shown: Shown) -> None:
    unknown = {
        f"{name}.{column.name}"
        for name in by_dbt() - OUT_OF_NOTHING
        for column in shown[name]["dagster/column_schema"].schema.columns
        if column.name not in deps_of(shown[name]) and column.name not in FROM_NO_COLUMN
    }

    assert unknown == set()
    assert {shown[name]["column lineage"].value for name in OUT_OF_NOTHING} == {
        "None of its columns comes from another table's."
    }


def deps_of(metadata: dict[str, Any]) -> set[str]:
    lineage = metadata.get("dagster/column_lineage")
    is_known = isinstance(lineage, dg.TableColumnLineageMetadataValue)
    return set(lineage.column_lineage.deps_by_column) if is_known else set()


def test_each_column_is_described() -> None:
    from pipelines.definitions import defs

    assert [
        f"{spec.key.to_user_string()}.{column.name}"
        for spec in defs.resolve_all_asset_specs()
        for column in columns_of(spec)
        if not column.description
    ] == []
