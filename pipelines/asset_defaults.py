"""What every asset has without asking for it: tags, a freshness policy and links to its code.

`definitions.py` passes all assets through `complete`; an asset that says something else itself keeps it. What
cannot be known from here (group, owners, kinds, description) stands at the asset, or follows from dbt's folder
and group; `tests/pipelines/test_asset_promises.py` says what is missing where.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

import dagster as dg

from aurora.settings import PROJECT_DIR, Settings
from pipelines.hours import FRESH_DAILY

VERB_OF_GROUP: Final = {
    "events": "transformation",
    "features": "transformation",
    "scores": "transformation",
    "marts": "transformation",
    "models": "training",
    "predictions": "prediction",
}
_PERSON: Final = {"user_id", "person_key"}
_ANCHOR: Final = Path(__file__)


def complete(assets: Iterable[dg.AssetsDefinition | dg.AssetSpec], settings: Settings) -> list[Any]:
    """The same assets with all that this module holds; links lead to `code_url`, or else to the local files."""
    described = [
        _kept_fresh(_described(asset))
        if isinstance(asset, dg.AssetSpec)
        else asset.map_asset_specs(lambda spec: _kept_fresh(_described(spec)))
        for asset in assets
    ]
    linked = dg.with_source_code_references(described)
    if not settings.code_url:
        return list(linked)
    return list(
        dg.link_code_references_to_git(
            linked,
            git_url=settings.code_url,
            git_branch=settings.code_branch,
            platform="gitlab" if "gitlab" in settings.code_url else "github",
            file_path_mapping=dg.AnchorBasedFilePathMapping(
                local_file_anchor=_ANCHOR,
                file_anchor_path_in_repository=_ANCHOR.relative_to(PROJECT_DIR).as_posix(),
            ),
        )
    )


def code_reference(path: Path) -> dict[str, Any]:
    """The metadata that link an asset to a file that is not Python."""
    reference = dg.LocalFileCodeReference(file_path=str(path), line_number=1)
    return {"dagster/code_references": dg.CodeReferencesMetadataValue(code_references=[reference])}


def _kept_fresh(spec: dg.AssetSpec) -> dg.AssetSpec:
    return spec.replace_attributes(freshness_policy=spec.freshness_policy or FRESH_DAILY)


def _described(spec: dg.AssetSpec) -> dg.AssetSpec:
    schema = spec.key.path[0]
    verb = "ingestion" if schema in {"raw", "app"} else VERB_OF_GROUP.get(spec.group_name or "")
    tags = {"noun": spec.group_name or "", "verb": verb or "", "schema": schema}
    if any(column.name in _PERSON for column in columns_of(spec)):
        # Whoever looks for what an erasure has to reach finds it by this.
        tags["holds"] = "people"
    return spec.merge_attributes(tags={name: value for name, value in tags.items() if name not in spec.tags})


def columns_of(spec: dg.AssetSpec) -> list[dg.TableColumn]:
    """The columns that the asset says its table has; none when it is no table."""
    schema = spec.metadata.get("dagster/column_schema")
    if isinstance(schema, dg.TableSchemaMetadataValue):
        schema = schema.schema
    return list(schema.columns) if isinstance(schema, dg.TableSchema) else []
