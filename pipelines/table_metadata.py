"""What Dagster shows of a table: its columns, what a day brought, what became of files."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from typing import Any

import dagster as dg
import psycopg
from psycopg import sql
from sqlalchemy import Table
from sqlalchemy.dialects import postgresql

from aurora.database.column_descriptions import description_of
from pipelines.ingestion.summary import ImportSummary


def column_schema_of(table: Table) -> dict[str, Any]:
    """The metadata that describe a table of Alembic's: its address and its columns."""
    keys = {column.name for column in table.primary_key}
    columns = [
        dg.TableColumn(
            column.name,
            column.type.compile(dialect=postgresql.dialect()),
            description=description_of(str(table.schema), table.name, column.name),
            constraints=dg.TableColumnConstraints(nullable=bool(column.nullable)),
            tags={"primary_key": ""} if column.name in keys else None,
        )
        for column in table.columns
    ]
    return {
        "dagster/column_schema": dg.TableSchema(columns),
        "dagster/table_name": f"aurora.{table.schema}.{table.name}",
    }


def count_of_days(connection: psycopg.Connection[Any], table: str, column: str, days: Sequence[str]) -> int:
    """Rows of a table whose `column` (a `…_date`, or an instant) falls on these arrival days."""
    first, last = date.fromisoformat(min(days)), date.fromisoformat(max(days))
    border = "%s::date" if column.endswith("_date") else "%s::date::timestamp at time zone 'UTC'"
    row = connection.execute(
        sql.SQL("select count(*) from {table} where {column} >= {border} and {column} < {border}").format(
            table=sql.Identifier(*table.split(".")), column=sql.Identifier(column), border=sql.SQL(border)
        ),
        (first, last + timedelta(days=1)),
    ).fetchone()
    return row[0] if row else 0


def markdown_of(summaries: Iterable[ImportSummary]) -> dg.MarkdownMetadataValue:
    """What became of each file, as a table."""
    head = (
        "| file | mapping | state | rows | empty | not read | rejected rows | accepted | duplicate | superseded"
        " | conflict | dead letters |\n|---|---|---|--:|--:|--:|--:|--:|--:|--:|--:|---|"
    )
    lines = [_line(summary) for summary in summaries]
    return dg.MetadataValue.md("\n".join([head, *lines]) if lines else "No file had landed.")


def _line(summary: ImportSummary) -> str:
    stored = (summary.outcomes[name] for name in ("accepted", "duplicate", "superseded", "conflict"))
    numbers = (summary.rows, summary.rows_empty, summary.rows_not_read, summary.rows_rejected, *stored)
    reasons = ", ".join(f"{code} {count:,}" for code, count in summary.reasons.items())
    cells = [
        summary.file_name.replace("|", "\\|"),
        summary.mapping,
        summary.state,
        *(f"{number:,}" for number in numbers),
        reasons or "–",
    ]
    return f"| {' | '.join(cells)} |"
