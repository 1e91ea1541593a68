"""What dbt reads and does not make: the tables of others, with what their columns mean."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import yaml

from aurora.database import tables
from aurora.database.column_descriptions import description_of
from pipelines.transformation.generated.texts import MARK

SCHEMAS: Final[Mapping[str, str]] = {
    "raw": "The event log and what surrounds it.",
    "app": "People.",
    "predictions": "What was predicted, by which model.",
    "insights": "What was found in people's days.",
}
READ: Final[Mapping[str, tuple[str, ...]]] = {
    "raw": ("events", "event_keys", "touched_days", "user_days", "unbuilt_days", "import_batches"),
    "app": ("users",),
    "predictions": ("predictions", "model_artifacts", "model_aliases", "drift"),
    "insights": ("pattern_searches", "patterns"),
}
"""Schema → the tables that dbt models read."""

VIEWS: Final[Mapping[str, tuple[str, Mapping[str, str]]]] = {
    "raw.unbuilt_days": (
        "The touched days that the last good build did not see.",
        {"user_id": "uuid", "local_date": "date", "xid": "xid8"},
    )
}
"""Of what is no table: what it holds, and the types of its columns."""


def source_files() -> dict[str, str]:
    """Path below `models/` → text."""
    sources = [
        {
            "name": schema,
            "schema": schema,
            "description": f"{meaning} Alembic owns these tables.",
            "tables": [_table(schema, name) for name in READ[schema]],
        }
        for schema, meaning in SCHEMAS.items()
    ]
    body = yaml.safe_dump({"version": 2, "sources": sources}, sort_keys=False, allow_unicode=True, width=110)
    return {"staging/_sources.yml": f"# {MARK} from aurora/database; do not edit.\n{body}"}


def _table(schema: str, name: str) -> dict[str, Any]:
    address = f"{schema}.{name}"
    if address in VIEWS:
        description, types = VIEWS[address]
        columns = list(types)
    else:
        table = tables.metadata.tables[address]
        description, columns = str(table.comment), list(map(str, table.columns.keys()))
    return {
        "name": name,
        "description": description,
        "columns": [
            {"name": column, "description": description_of(schema, name, column)} for column in columns
        ],
    }
