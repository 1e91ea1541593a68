"""How many rows a table or a view has, at a cost that does not grow with history.

A small table is counted. Of a larger one Postgres keeps the number itself: exact up to about 240 MB where a build has
just had it analysed, as dbt's tables are, within about a hundredth above; of tables that only autovacuum looks at it
may be a tenth behind. A view has no number: it is counted while Postgres expects that to be cheap.
"""

from __future__ import annotations

from typing import Any, Final

import psycopg
from psycopg import sql

COUNTED_PAGES: Final = 2_000
"""Of 8 kB: up to here counting takes a few hundredths of a second."""
MOST_COST: Final = 50_000.0
"""In Postgres' unit, a page read in order; about half a second."""
MOST_MILLISECONDS: Final = 1_000
"""Should that have been too hopeful."""

_KEPT: Final = """
    select reltuples::float8, relpages, pg_relation_size(oid) / current_setting('block_size')::integer
    from pg_class where oid = %s::regclass
"""


class TooDearError(Exception):
    """A query that was not asked, or not to its end; the reason in words."""


def stored_rows(connection: psycopg.Connection[Any], schema: str, table: str) -> int:
    """Rows of a stored table: exact when it is small, else as Postgres keeps them."""
    relation = sql.Identifier(schema, table)
    row = connection.execute(_KEPT, (relation.as_string(connection),)).fetchone()
    kept, pages_then, pages = row or (-1.0, 0, 0)
    if kept < 0 or pages_then == 0 or pages <= COUNTED_PAGES:
        [(count,)] = connection.execute(sql.SQL("select count(*) from {}").format(relation)).fetchall()
        return count
    # As the planner does it: the density is that of the last analysis, the size that of now.
    return round(kept / pages_then * pages)


def count_of_view(connection: psycopg.Connection[Any], schema: str, view: str) -> dict[str, Any]:
    """The metadata of a view: how many rows it shows, or why that was not counted."""
    count = sql.SQL("select count(*) from {}").format(sql.Identifier(schema, view))
    try:
        [(rows,)] = rows_if_cheap(connection, count)
    except TooDearError as why:
        return {"rows": f"Not counted: {why}."}
    return {"dagster/row_count": rows}


def rows_if_cheap(
    connection: psycopg.Connection[Any], query: sql.SQL | sql.Composed
) -> list[tuple[Any, ...]]:
    """The rows of a query that Postgres expects to be cheap; TooDearError if not."""
    [(plan,)] = connection.execute(sql.SQL("explain (format json) {}").format(query)).fetchall()
    cost = plan[0]["Plan"]["Total Cost"]
    if cost > MOST_COST:
        raise TooDearError(
            f"Postgres expects it to cost {cost:,.0f}, and more than {MOST_COST:,.0f} is not paid"
        )
    try:
        with connection.transaction():
            connection.execute(
                sql.SQL("set local statement_timeout = {}").format(sql.Literal(MOST_MILLISECONDS))
            )
            return connection.execute(query).fetchall()
    except psycopg.errors.QueryCanceled:
        raise TooDearError(f"it took longer than {MOST_MILLISECONDS:,} ms") from None
