"""The dbt models as Dagster assets, and their tests as asset checks.

Unpartitioned on purpose: what a build has to do is told by the days that were touched since the last good one
(docs/decisions/0004), not by a calendar day. A re-run finds nothing touched and changes nothing.
"""

# Without postponed annotations: Dagster reads those of an asset as it is defined.
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import dagster as dg
import psycopg
from dagster_dbt import DagsterDbtTranslator, DagsterDbtTranslatorSettings, dbt_assets
from dagster_dbt.asset_utils import get_asset_check_key_for_test, get_subset_selection_for_context
from psycopg import sql

from aurora.settings import load_settings
from pipelines.resources import PostgresResource, ReplayResource, SettingsResource
from pipelines.transformation.dbt_runs import NodeResult, parse, run_dbt
from pipelines.transformation.warehouse import build_warehouse

OWNERS: Final = ("team:data-engineering",)
GROUP_OF_SCHEMA: Final = {
    "staging": "events",
    "intermediate": "events",
    "features": "features",
    "scores": "scores",
    "marts": "marts",
}
GROUP_OF_TABLE: Final = {"stg_predictions": "predictions"}
"""What comes after its schema's place among the nouns: among the events it would draw them behind the models."""
_AFTER_PREDICTIONS: Final = "source:predictions+"
_RETRIES: Final = dg.RetryPolicy(max_retries=2, delay=15, backoff=dg.Backoff.EXPONENTIAL)
_MAX_RUNTIME: Final = {"dagster/max_runtime": "3600"}


class AddressTranslator(DagsterDbtTranslator):
    """A dbt model is the table it makes: key, group and owner follow from its schema."""

    def get_asset_key(self, dbt_resource_props: Mapping[str, Any]) -> dg.AssetKey:
        schema = dbt_resource_props.get("schema") or "staging"
        name = dbt_resource_props.get("identifier") or dbt_resource_props["name"]
        return dg.AssetKey([schema, name])

    def get_group_name(self, dbt_resource_props: Mapping[str, Any]) -> str | None:
        by_schema = GROUP_OF_SCHEMA.get(str(dbt_resource_props.get("schema")))
        return GROUP_OF_TABLE.get(dbt_resource_props["name"], by_schema)

    def get_owners(self, dbt_resource_props: Mapping[str, Any]) -> Sequence[str] | None:
        del dbt_resource_props
        return list(OWNERS)


TRANSLATOR: Final = AddressTranslator(DagsterDbtTranslatorSettings(enable_source_tests_as_checks=False))


def manifest() -> Mapping[str, Any]:
    """dbt's manifest, parsed anew when the code location loads; needs no database."""
    path: Path = parse(data_dir=load_settings().data_dir)
    return json.loads(path.read_text(encoding="utf-8"))


_MANIFEST: Final = manifest()


@dbt_assets(
    manifest=_MANIFEST,
    exclude=_AFTER_PREDICTIONS,
    dagster_dbt_translator=TRANSLATOR,
    name="warehouse",
    retry_policy=_RETRIES,
    op_tags=_MAX_RUNTIME,
)
def warehouse(
    context: dg.AssetExecutionContext,
    settings: SettingsResource,
    postgres: PostgresResource,
    replay: ReplayResource,
) -> Iterator[dg.MaterializeResult | dg.AssetCheckResult]:
    """Staging, intermediate, features, scores and marts, from the days touched since the last good build."""
    loaded = settings.load()
    if context.is_subset:
        # A part built by hand is not a build of the warehouse: the next one must not go on from it.
        results = _build_selected(context, loaded.data_dir, postgres.url)
    else:
        report = build_warehouse(
            postgres.url,
            data_dir=loaded.data_dir,
            options=["--exclude", _AFTER_PREDICTIONS],
            now=replay.now,
            cohort=replay.cohort or None,
        )
        context.log.info("a %s build of %.0f s", "full" if report.is_full else "incremental", report.seconds)
        results = list(report.results)
    yield from _as_events(context, results, postgres)


@dbt_assets(
    manifest=_MANIFEST,
    select=_AFTER_PREDICTIONS,
    dagster_dbt_translator=TRANSLATOR,
    name="warehouse_after_predictions",
    retry_policy=_RETRIES,
    op_tags=_MAX_RUNTIME,
)
def warehouse_after_predictions(
    context: dg.AssetExecutionContext, settings: SettingsResource, postgres: PostgresResource
) -> Iterator[dg.MaterializeResult | dg.AssetCheckResult]:
    """What joins predictions with their later truth."""
    results = _build_selected(context, settings.load().data_dir, postgres.url)
    yield from _as_events(context, results, postgres)


def _build_selected(context: dg.AssetExecutionContext, data_dir: Path, postgres_url: str) -> list[NodeResult]:
    arguments, _ = get_subset_selection_for_context(
        context=context,
        manifest=_MANIFEST,
        select=" ".join(_names(context)),
        exclude=None,
        selector=None,
        dagster_dbt_translator=TRANSLATOR,
        current_dbt_indirect_selection_env=None,
    )
    return run_dbt(["build", *arguments], postgres_url=postgres_url, data_dir=data_dir)


def _names(context: dg.AssetExecutionContext) -> list[str]:
    selected = context.selected_asset_keys
    return sorted(
        f"fqn:{node['name']}"
        for node in _MANIFEST["nodes"].values()
        if node["resource_type"] == "model" and TRANSLATOR.get_asset_key(node) in selected
    )


def _as_events(
    context: dg.AssetExecutionContext, results: Sequence[NodeResult], postgres: PostgresResource
) -> Iterator[dg.MaterializeResult | dg.AssetCheckResult]:
    bad = [result for result in results if result.is_bad]
    broken = {result.unique_id for result in bad} | {r.unique_id for r in results if r.status == "skipped"}
    with postgres.connect(autocommit=True) as connection:
        for result in results:
            node = _MANIFEST["nodes"].get(result.unique_id)
            if node is None or (result.unique_id in broken and result.kind == "model"):
                continue
            if result.kind == "model":
                yield dg.MaterializeResult(
                    asset_key=TRANSLATOR.get_asset_key(node), metadata=_metadata(connection, node, result)
                )
            elif result.kind == "test":
                check = get_asset_check_key_for_test(_MANIFEST, TRANSLATOR, result.unique_id, project=None)
                if check is not None and check in context.selected_asset_check_keys:
                    yield dg.AssetCheckResult(
                        asset_key=check.asset_key,
                        check_name=check.name,
                        passed=not result.is_bad,
                        metadata={"status": result.status, "seconds": result.seconds, "said": result.message},
                    )
    if bad:
        said = "\n".join(f"{result.name}: {result.message}" for result in bad)
        raise dg.Failure(f"{len(bad)} dbt nodes failed\n{said}", allow_retries=True)


def _metadata(
    connection: psycopg.Connection[Any], node: Mapping[str, Any], result: NodeResult
) -> dict[str, Any]:
    relation = sql.Identifier(node["schema"], node.get("alias") or node["name"])
    columns = connection.execute(
        "select attname, format_type(atttypid, atttypmod) from pg_attribute"
        " where attrelid = %s::regclass and attnum > 0 and not attisdropped order by attnum",
        (relation.as_string(connection),),
    ).fetchall()
    described = {name: column.get("description") for name, column in node["columns"].items()}
    metadata: dict[str, Any] = {
        "dagster/column_schema": dg.TableSchema(
            [dg.TableColumn(name, kind, description=described.get(name) or None) for name, kind in columns]
        ),
        "seconds": result.seconds,
    }
    # Counting a view runs it: only what is stored is counted.
    if node["config"]["materialized"] != "view":
        row = connection.execute(sql.SQL("select count(*) from {}").format(relation)).fetchone()
        metadata["dagster/row_count"] = row[0] if row else 0
    return metadata


WAREHOUSE_ASSETS: Final = [warehouse, warehouse_after_predictions]
