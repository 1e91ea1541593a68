"""The dbt models as Dagster assets, and their tests as asset checks.

Unpartitioned on purpose: what a build has to do is told by the days that were touched since the last good one
(docs/decisions/0004), not by a calendar day. A re-run finds nothing touched and changes nothing.
"""

# Without postponed annotations: Dagster reads those of an asset as it is defined.
import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any, Final

import dagster as dg
from dagster_dbt import DagsterDbtTranslator, DagsterDbtTranslatorSettings, DbtProject, dbt_assets
from dagster_dbt.asset_utils import get_asset_check_key_for_test, get_subset_selection_for_context

from aurora.settings import load_settings
from pipelines.asset_defaults import code_reference
from pipelines.dagster_storage import keep_connections
from pipelines.pools import WAREHOUSE
from pipelines.resources import PostgresResource, ReplayResource, SettingsResource
from pipelines.transformation.builds import last_build_was_full
from pipelines.transformation.dbt_runs import DBT_DIR, NodeResult, parse, run_dbt, target_dir
from pipelines.transformation.shown_tables import ShownTable
from pipelines.transformation.sources import BEHIND, described_source, note_written_by_others
from pipelines.transformation.warehouse import ALL_HISTORY, build_warehouse

OWNERS: Final = ("team:data-engineering",)
GROUP_OF_TABLE: Final = {
    "stg_predictions": "predictions",
    "stg_drift": "predictions",
    "stg_pattern_searches": "marts",
    "stg_patterns": "marts",
}
"""What comes after its dbt group's place among the nouns: among the events it would draw them behind the models."""
_TESTED_WITH: Final = {
    "stg_pattern_searches": dg.AssetKey(["staging", "stg_touched_days"]),
    "stg_patterns": dg.AssetKey(["staging", "stg_touched_days"]),
}
"""What a model's tests read and the model does not: Dagster has to wait for it all the same."""
_AFTER_PREDICTIONS: Final = "source:predictions+"
_AFTER_PATTERNS: Final = "source:insights+"
_RETRIES: Final = dg.RetryPolicy(max_retries=2, delay=15, backoff=dg.Backoff.EXPONENTIAL)
_MAX_RUNTIME: Final = {"dagster/max_runtime": "3600"}


class AddressTranslator(DagsterDbtTranslator):
    """A dbt model is the table it makes: its key follows from its schema, group and owner from dbt's group."""

    def get_asset_key(self, dbt_resource_props: Mapping[str, Any]) -> dg.AssetKey:
        schema = dbt_resource_props.get("schema") or "staging"
        name = dbt_resource_props.get("identifier") or dbt_resource_props["name"]
        return dg.AssetKey([schema, name])

    def get_asset_spec(
        self, manifest: Mapping[str, Any], unique_id: str, project: DbtProject | None
    ) -> dg.AssetSpec:
        spec = super().get_asset_spec(manifest, unique_id, project)
        tested_with = _TESTED_WITH.get(unique_id.rsplit(".", 1)[-1])
        return spec.merge_attributes(deps=[tested_with]) if tested_with else spec

    def get_group_name(self, dbt_resource_props: Mapping[str, Any]) -> str | None:
        group = dbt_resource_props.get("config", {}).get("group")
        return GROUP_OF_TABLE.get(dbt_resource_props["name"], group)

    def get_owners(self, dbt_resource_props: Mapping[str, Any]) -> Sequence[str] | None:
        group = dbt_resource_props.get("group")
        owner = group.get("owner", {}).get("name") if isinstance(group, Mapping) else None
        return [f"team:{owner}"] if owner else list(OWNERS)

    def get_metadata(self, dbt_resource_props: Mapping[str, Any]) -> Mapping[str, Any]:
        path = DBT_DIR / dbt_resource_props["original_file_path"]
        # dbt knows no database while it parses: its own address would begin with "none".
        address = ".".join(("aurora", *self.get_asset_key(dbt_resource_props).path))
        described = super().get_metadata(dbt_resource_props)
        return {**described, "dagster/table_name": address, **code_reference(path)}


TRANSLATOR: Final = AddressTranslator(DagsterDbtTranslatorSettings(enable_source_tests_as_checks=False))


def manifest() -> Mapping[str, Any]:
    """dbt's manifest, parsed anew when the code location loads; needs no database."""
    return json.loads(parse(data_dir=load_settings().data_dir))


_MANIFEST: Final = manifest()
_PLACE: Final = {
    name: place for place, name in enumerate(TopologicalSorter(_MANIFEST["parent_map"]).static_order())
}
"""Node → where it stands when each follows what it reads."""


@dbt_assets(
    manifest=_MANIFEST,
    exclude=f"{_AFTER_PREDICTIONS} {_AFTER_PATTERNS}",
    dagster_dbt_translator=TRANSLATOR,
    name="warehouse",
    retry_policy=_RETRIES,
    op_tags=_MAX_RUNTIME,
    pool=WAREHOUSE,
)
def warehouse(
    context: dg.AssetExecutionContext,
    settings: SettingsResource,
    postgres: PostgresResource,
    replay: ReplayResource,
) -> Iterator[dg.MaterializeResult | dg.AssetCheckResult]:
    """Staging, intermediate, features, scores and marts, from the days touched since the last good build."""
    keep_connections(context.instance)
    loaded = settings.load()
    if context.is_subset:
        # A part built by hand is not a build of the warehouse: the next one must not go on from it.
        results = _build_selected(context, loaded.data_dir, postgres.url)
    else:
        report = build_warehouse(
            postgres.url,
            data_dir=loaded.data_dir,
            exclude=[_AFTER_PREDICTIONS, _AFTER_PATTERNS],
            now=replay.now,
            cohort=replay.cohort or None,
            pseudonym_key=loaded.pseudonym_key,
        )
        context.log.info("a %s build of %.0f s", "full" if report.is_full else "incremental", report.seconds)
        results = list(report.results)
        if report.kept_views and report.is_good:
            results += _kept_views(context, loaded.data_dir)
        note_written_by_others(context, postgres)
    yield from _as_events(context, results, settings, postgres)


def _views_after(what: str, select: str) -> dg.AssetsDefinition:
    """The models over what is written into Postgres after the build."""

    @dbt_assets(
        manifest=_MANIFEST,
        select=select,
        dagster_dbt_translator=TRANSLATOR,
        name=f"warehouse_after_{what}",
        retry_policy=_RETRIES,
        op_tags=_MAX_RUNTIME,
        pool=WAREHOUSE,
    )
    def views(
        context: dg.AssetExecutionContext, settings: SettingsResource, postgres: PostgresResource
    ) -> Iterator[dg.MaterializeResult | dg.AssetCheckResult]:
        """Views, which show what was written at once. After a full build their tests are of all history, too."""
        keep_connections(context.instance)
        with postgres.connect() as connection:
            is_full = last_build_was_full(connection)
        options = ["--full-refresh"] if is_full else ["--exclude", ALL_HISTORY]
        results = _build_selected(context, settings.load().data_dir, postgres.url, *options)
        yield from _as_events(context, results, settings, postgres)

    return views


warehouse_after_predictions: Final = _views_after("predictions", _AFTER_PREDICTIONS)
warehouse_after_patterns: Final = _views_after("patterns", _AFTER_PATTERNS)


def _build_selected(
    context: dg.AssetExecutionContext, data_dir: Path, postgres_url: str, *options: str
) -> list[NodeResult]:
    arguments, _ = get_subset_selection_for_context(
        context=context,
        manifest=_MANIFEST,
        select=" ".join(_names(context)),
        exclude=None,
        selector=None,
        dagster_dbt_translator=TRANSLATOR,
        current_dbt_indirect_selection_env=None,
    )
    return run_dbt(["build", *arguments, *options], postgres_url=postgres_url, data_dir=data_dir)


def _kept_views(context: dg.AssetExecutionContext, data_dir: Path) -> list[NodeResult]:
    """The views that the build left as they are: what they show is as new as what was built."""
    found = []
    for unique_id, node in _MANIFEST["nodes"].items():
        is_view = node["resource_type"] == "model" and node["config"]["materialized"] == "view"
        if is_view and TRANSLATOR.get_asset_key(node) in context.selected_asset_keys:
            written = target_dir(data_dir) / "compiled" / node["package_name"] / node["original_file_path"]
            compiled = written.read_text(encoding="utf-8") if written.is_file() else ""
            found.append(NodeResult(unique_id, node["name"], "model", "kept", 0.0, "", None, compiled))
    return found


def _names(context: dg.AssetExecutionContext) -> list[str]:
    selected = context.selected_asset_keys
    return sorted(
        f"fqn:{node['name']}"
        for node in _MANIFEST["nodes"].values()
        if node["resource_type"] == "model" and TRANSLATOR.get_asset_key(node) in selected
    )


def _as_events(
    context: dg.AssetExecutionContext,
    results: Sequence[NodeResult],
    settings: SettingsResource,
    postgres: PostgresResource,
) -> Iterator[dg.MaterializeResult | dg.AssetCheckResult]:
    bad = [result for result in results if result.is_bad]
    broken = {result.unique_id for result in bad} | {r.unique_id for r in results if r.status == "skipped"}
    # What the project has only since this process loaded it, Dagster does not know.
    known = [result for result in results if result.unique_id in _MANIFEST["nodes"]]
    # It takes no table before the view that it reads, and kept views come last among the results.
    told = sorted(known, key=lambda result: _PLACE[result.unique_id])
    made = {
        result.unique_id: result
        for result in told
        if result.kind == "model" and result.unique_id not in broken
    }
    lineage = target_dir(settings.load().data_dir).parent / "lineage"
    # What is shown of the next tables is read while Dagster writes down the ones before.
    with postgres.connect(autocommit=True) as connection, ThreadPoolExecutor(1) as beside:
        shown = ShownTable(connection, _MANIFEST, lineage)
        nodes = [_MANIFEST["nodes"][unique_id] for unique_id in made]
        metadata = beside.map(shown.metadata, nodes, made.values())
        for result in told:
            if result.kind == "test":
                yield from _check_result(context, result)
            elif result.unique_id in made:
                key = TRANSLATOR.get_asset_key(_MANIFEST["nodes"][result.unique_id])
                yield dg.MaterializeResult(asset_key=key, metadata=next(metadata))
    if bad:
        said = "\n".join(f"{result.name}: {result.message}" for result in bad)
        raise dg.Failure(f"{len(bad)} dbt nodes failed\n{said}", allow_retries=True)


def _check_result(context: dg.AssetExecutionContext, result: NodeResult) -> Iterator[dg.AssetCheckResult]:
    """The check that a dbt test is, where it was asked for."""
    check = get_asset_check_key_for_test(_MANIFEST, TRANSLATOR, result.unique_id, project=None)
    if check is not None and check in context.selected_asset_check_keys:
        yield dg.AssetCheckResult(
            asset_key=check.asset_key,
            check_name=check.name,
            passed=not result.is_bad,
            metadata={"status": result.status, "seconds": result.seconds, "said": result.message},
        )


def manifest_tests() -> list[tuple[str, str]]:
    """Every data test of the project: the generic test that it is, or its own name, and its severity."""
    return [
        ((node.get("test_metadata") or node)["name"], node["config"]["severity"])
        for node in _MANIFEST["nodes"].values()
        if node["resource_type"] == "test"
    ]


def source_specs(made: Collection[dg.AssetKey]) -> list[dg.AssetSpec]:
    """The tables that dbt reads and no asset makes: others write them, and the graph shows them all the same."""
    specs = []
    for source in _MANIFEST["sources"].values():
        key = TRANSLATOR.get_asset_key(source)
        if key not in made:
            specs.append(
                dg.AssetSpec(
                    key,
                    deps=BEHIND.get(key.path[-1]),
                    group_name="predictions" if key.path[0] == "predictions" else "events",
                    owners=list(OWNERS),
                    kinds={"postgres"},
                    description=source["description"],
                    metadata=described_source(key),
                )
            )
    return specs


WAREHOUSE_ASSETS: Final = [warehouse, warehouse_after_predictions, warehouse_after_patterns]
