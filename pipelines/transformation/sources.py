"""The tables that dbt reads and no asset makes: other processes write them, and the graph shows them all the same.

Dagster never hears of what is written there. So every build tells it how they look, which counts as their
materialization: they plot, and are late when no build has read them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import dagster as dg

from aurora.database import tables
from aurora.database.column_descriptions import description_of
from pipelines.resources import PostgresResource
from pipelines.row_counts import count_of_view, stored_rows
from pipelines.table_metadata import column_schema_of
from pipelines.transformation.generated.sources import VIEWS

WRITTEN_BY_OTHERS: Final = (
    "app.users",
    "predictions.model_aliases",
    "predictions.model_artifacts",
    "raw.unbuilt_days",
)
BEHIND: Final = {"unbuilt_days": [dg.AssetKey(["raw", "touched_days"])]}
"""Sources that are views, and what they look at."""


def columns_of_source(schema: str, name: str) -> list[str]:
    """The names of its columns."""
    table = tables.metadata.tables.get(f"{schema}.{name}")
    return list(table.columns.keys()) if table is not None else list(_types_of_view(f"{schema}.{name}"))


def described_source(key: dg.AssetKey) -> dict[str, Any]:
    """The metadata that describe a source: its address and its columns."""
    address = ".".join(key.path)
    table = tables.metadata.tables.get(address)
    if table is not None:
        return column_schema_of(table)
    schema, name = key.path
    columns = [
        dg.TableColumn(column, kind, description=description_of(schema, name, column))
        for column, kind in _types_of_view(address).items()
    ]
    return {"dagster/column_schema": dg.TableSchema(columns), "dagster/table_name": f"aurora.{address}"}


def note_written_by_others(context: dg.AssetExecutionContext, postgres: PostgresResource) -> None:
    """Tell Dagster how many rows these tables have now."""
    with postgres.connect(autocommit=True) as connection:
        for address in WRITTEN_BY_OTHERS:
            schema, name = address.split(".")
            metadata = (
                count_of_view(connection, schema, name)
                if address in VIEWS
                else {"dagster/row_count": stored_rows(connection, schema, name)}
            )
            context.log_event(dg.AssetMaterialization([schema, name], metadata=metadata))


def _types_of_view(address: str) -> Mapping[str, str]:
    _, types = VIEWS[address]
    return types
