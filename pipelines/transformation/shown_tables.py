"""What Dagster shows of a table that dbt made: columns, where they come from, how many rows, and a few of them.

Dagster keeps what it is shown, and an erasure does not reach there. So rows are shown of simulated people only,
and no text among them but the words of a closed list.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import dagster as dg
import psycopg
from psycopg import sql

from pipelines.pictures import histogram
from pipelines.row_counts import TooDearError, count_of_view, rows_if_cheap, stored_rows
from pipelines.transformation.column_lineage import as_metadata, lineage_of
from pipelines.transformation.dbt_runs import NodeResult
from pipelines.transformation.sources import columns_of_source

ROWS: Final = 5
MOST_COLUMNS: Final = 12
PARTS: Final = 20
FEWEST_PEOPLE: Final = 20

_SHOWN_KINDS: Final = (
    "smallint",
    "integer",
    "bigint",
    "numeric",
    "double precision",
    "real",
    "boolean",
    "date",
)
_SHOWN_WORDS: Final = frozenset(
    {
        "baseline_name", "class", "cohort", "feature_set", "kind", "measure", "modality", "model_name",
        "model_source", "model_version", "noun", "origin", "persona", "precision", "rated_class",
        "score_name", "score_state", "source_name", "type", "tz", "unit",
    }
)  # fmt: skip
"""Text is shown when the column is one of these: whose words the project or its sources chose, not people."""

Column = tuple[str, str]


class ShownTable:
    """Reads what is to be shown of one table after another, over one connection."""

    def __init__(
        self, connection: psycopg.Connection[Any], manifest: Mapping[str, Any], known_lineage: Path
    ) -> None:
        self._connection, self._manifest, self._known = connection, manifest, known_lineage

    def metadata(self, node: Mapping[str, Any], result: NodeResult) -> dict[str, Any]:
        """The metadata of one materialization."""
        name = node.get("alias") or node["name"]
        relation = sql.Identifier(node["schema"], name)
        columns = self._connection.execute(
            "select attname, format_type(atttypid, atttypmod) from pg_attribute"
            " where attrelid = %s::regclass and attnum > 0 and not attisdropped order by attnum",
            (relation.as_string(self._connection),),
        ).fetchall()
        described = {column: said.get("description") for column, said in node["columns"].items()}
        metadata: dict[str, Any] = {
            "dagster/column_schema": dg.TableSchema(
                [
                    dg.TableColumn(column, kind, description=described.get(column) or None)
                    for column, kind in columns
                ]
            ),
            "seconds": result.seconds,
        }
        if node["config"]["materialized"] == "view":
            metadata |= count_of_view(self._connection, node["schema"], name)
        else:
            metadata["dagster/row_count"] = stored_rows(self._connection, node["schema"], name)
            if node["schema"] == "scores":
                metadata["distribution"] = self._distribution(relation)
        metadata["sample"] = self._sample(relation, columns)
        return metadata | as_metadata(lineage_of(result.sql, self._columns_around(node), self._known))

    def _columns_around(self, node: Mapping[str, Any]) -> dict[str, list[str]]:
        """Of the tables that a model reads, and its own; of all sources, since a full build may read another one."""
        found = {f"{node['schema']}.{node['name']}": list(node["columns"])}
        for source in self._manifest["sources"].values():
            schema, table = source["schema"], source["identifier"]
            found[f"{schema}.{table}"] = columns_of_source(schema, table)
        for parent in node["depends_on"]["nodes"]:
            if parent in self._manifest["nodes"]:
                model = self._manifest["nodes"][parent]
                found[f"{model['schema']}.{model['name']}"] = list(model["columns"])
        return found

    def _sample(self, relation: sql.Identifier, columns: Sequence[Column]) -> dg.MarkdownMetadataValue:
        shown = [(name, kind) for name, kind in columns if _may_be_shown(name, kind)][:MOST_COLUMNS]
        if not shown:
            return dg.MetadataValue.md("It has no column that may be shown.")
        query = sql.SQL("select {shown} from {relation} as shown").format(
            shown=sql.SQL(", ").join(_selected(name, kind) for name, kind in shown), relation=relation
        )
        if any(name == "user_id" for name, _ in columns):
            query += sql.SQL(
                " where shown.user_id = (select user_id from app.users where deleted_at is null"
                " and cohort in (select cohort from raw.simulations) order by user_id limit 1)"
            )
        try:
            rows = rows_if_cheap(self._connection, query + sql.SQL(" limit {}").format(sql.Literal(ROWS)))
        except TooDearError as why:
            return dg.MetadataValue.md(f"Not looked at: {why}.")
        return dg.MetadataValue.md(
            as_markdown([name for name, _ in shown], rows)
            if rows
            else "Rows of simulated people only are shown: it has none."
        )

    def _distribution(self, relation: sql.Identifier) -> dg.MarkdownMetadataValue:
        """Of the newest scores of everybody; of a few people it would be their own."""
        rows = self._connection.execute(
            sql.SQL(
                "select least(width_bucket(score, 0, 100, {parts}), {parts}), count(*) from ("
                # By the index, person by person: a build must not read everybody's history for a picture.
                " select newest.score from app.users as users cross join lateral ("
                " select score from {relation} where user_id = users.user_id and score is not null"
                " order by local_date desc limit 1) as newest) as newest group by 1"
            ).format(parts=sql.Literal(PARTS), relation=relation)
        ).fetchall()
        people = sum(count for _, count in rows)
        if people < FEWEST_PEOPLE:
            return dg.MetadataValue.md(
                f"Fewer than {FEWEST_PEOPLE} people have a score: it would show theirs."
            )
        counts = dict(rows)
        return histogram(
            [counts.get(part, 0) for part in range(1, PARTS + 1)],
            0,
            100,
            f"Newest score of {people:,} people",
        )


def _may_be_shown(name: str, kind: str) -> bool:
    is_plain = kind.startswith("timestamp") or kind.split("(", maxsplit=1)[0] in _SHOWN_KINDS
    return is_plain or (kind == "text" and name in _SHOWN_WORDS)


def _selected(name: str, kind: str) -> sql.Composable:
    column = sql.Identifier("shown", name)
    # What holds for ever ends at infinity, which Python's datetime does not know.
    return sql.SQL("{}::text").format(column) if kind.startswith(("timestamp", "date")) else column


def as_markdown(head: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    """A table, numbers at the right."""
    is_number = [
        all(isinstance(row[place], int | float) or row[place] is None for row in rows)
        for place in range(len(head))
    ]
    lines = [
        f"| {' | '.join(head)} |",
        f"|{'|'.join('--:' if right else '---' for right in is_number)}|",
        *(f"| {' | '.join(_cell(value) for value in row)} |" for row in rows),
    ]
    return "\n".join(lines)


def _cell(value: Any) -> str:
    if value is None:
        return "–"
    if isinstance(value, float):
        return f"{value:,.4g}"
    return str(value).replace("|", "\\|")
