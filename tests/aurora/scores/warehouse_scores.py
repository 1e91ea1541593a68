"""The SQL reading of a score on real Postgres, as a dbt model would compose it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, LiteralString, cast

import psycopg
from psycopg.rows import dict_row

from aurora.scores.specification import ScoreSpec
from aurora.scores.sql import judgement_sql, points_sql, score_columns_sql


async def scores_in_sql(
    connection: psycopg.AsyncConnection[Any], spec: ScoreSpec, days: Sequence[Mapping[str, float | None]]
) -> list[dict[str, Any]]:
    """One row of score columns for each day of inputs, in order."""
    inputs = ", ".join(f"%({entry.name})s::float8[]" for entry in spec.inputs)
    names = ", ".join(entry.name for entry in spec.inputs)
    query = f"""
        with inputs as (select * from unnest({inputs}) with ordinality as day ({names}, ordinal)),
        points as (select *, {_columns(points_sql(spec))} from inputs),
        judged as (select *, {_columns(judgement_sql(spec))} from points)
        select {_columns(score_columns_sql(spec))} from judged order by ordinal
    """
    values = {entry.name: [_float(day.get(entry.name)) for day in days] for entry in spec.inputs}
    async with connection.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(cast("LiteralString", query), values)
        return await cursor.fetchall()


def _float(number: float | None) -> float | None:
    return None if number is None else float(number)


def _columns(columns: Mapping[str, str]) -> str:
    # A unit may be a per cent sign, which psycopg would take for a placeholder.
    return ", ".join(f"{sql} as {name}" for name, sql in columns.items()).replace("%", "%%")
