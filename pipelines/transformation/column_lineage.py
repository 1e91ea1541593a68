"""From which columns of which tables each column of a dbt model comes, read from its compiled SQL by sqlglot.

dagster-dbt could do the same, but it parses each model anew in every build (and needs dbt's command line). Here
a model is read again only when its SQL has changed: what was found lies beside dbt's own files.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import dagster as dg
import structlog

log = structlog.get_logger(__name__)

Columns = Mapping[str, Sequence[str]]
"""`schema.table` → its columns."""
Lineage = dict[str, list[tuple[str, str]]]
"""Column → where it comes from: `schema.table` and column."""

_VERSION: Final = "2"
"""Of this module: what an older one found is found anew."""


@dataclass(frozen=True)
class Unknown:
    """Why the lineage of a model is not known, in words."""

    reason: str


def lineage_of(compiled_sql: str, columns: Columns, known: Path) -> Lineage | Unknown:
    """Of one model. `known` is the folder of what was found before. Unknown where the SQL cannot be followed."""
    if not compiled_sql:
        return Unknown("dbt left no compiled SQL of it")
    digest = hashlib.sha256(f"{_VERSION}\0{compiled_sql}\0{json.dumps(columns, sort_keys=True)}".encode())
    file = known / f"{digest.hexdigest()[:32]}.json"
    if file.is_file():
        return {name: [(table, column) for table, column in found] for name, found in _read(file).items()}
    lineage = _find(compiled_sql, columns)
    if isinstance(lineage, Unknown):
        # Not kept: the next build asks again and says it again.
        log.warning("column_lineage_unknown", reason=lineage.reason)
        return lineage
    known.mkdir(parents=True, exist_ok=True)
    # A name of its own first: two processes may write the same.
    part = file.with_suffix(f".{id(lineage)}.part")
    part.write_text(json.dumps(lineage), encoding="utf-8")
    part.replace(file)
    return lineage


def as_metadata(lineage: Lineage | Unknown) -> dict[str, Any]:
    """What Dagster draws it from, or why there is nothing to draw."""
    if isinstance(lineage, Unknown):
        return {"column lineage": f"Not known: {lineage.reason}."}
    deps = {
        name: [dg.TableColumnDep(asset_key=table.split("."), column_name=column) for table, column in found]
        for name, found in lineage.items()
        if found
    }
    if not deps:
        return {"column lineage": "None of its columns comes from another table's."}
    return {"dagster/column_lineage": dg.TableColumnLineage(deps)}


def _read(file: Path) -> dict[str, list[list[str]]]:
    return json.loads(file.read_text(encoding="utf-8"))


def _find(compiled_sql: str, columns: Columns) -> Lineage | Unknown:
    from sqlglot import exp, parse_one
    from sqlglot.lineage import lineage
    from sqlglot.optimizer.qualify import qualify
    from sqlglot.optimizer.scope import build_scope
    from sqlglot.schema import MappingSchema

    schema = MappingSchema(dialect="postgres")
    for table, names in columns.items():
        schema.add_table(exp.to_table(table), dict.fromkeys(names, "text"), dialect="postgres")
    try:
        query = qualify(
            parse_one(compiled_sql, dialect="postgres"),
            schema=schema,
            dialect="postgres",
            validate_qualify_columns=False,
            identify=False,
        )
        scope = build_scope(query)
        if scope is None or not isinstance(query, exp.Query):
            return Unknown("it is no query")
        found: Lineage = {}
        for name in query.named_selects:
            node = lineage(
                name, query, schema, dialect="postgres", scope=scope, trim_selects=False, copy=False
            )
            leaves = {
                (f"{leaf.source.db}.{leaf.source.name}", leaf.name.rpartition(".")[2].strip('"'))
                for leaf in node.walk()
                if not leaf.downstream and isinstance(leaf.source, exp.Table) and leaf.source.db
            }
            found[name] = sorted(leaf for leaf in leaves if leaf[1] in columns.get(leaf[0], ()))
    except Exception as error:  # noqa: BLE001  # a picture less, and no build may fail by it
        return Unknown(str(error).split("\n")[0].rstrip("."))
    return found
