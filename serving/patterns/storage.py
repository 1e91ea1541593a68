"""Reading what the weekly search kept."""

from __future__ import annotations

from datetime import date
from typing import Final, LiteralString, NamedTuple
from uuid import UUID

from psycopg.rows import dict_row

from aurora.patterns.specification import Kind
from serving.database import Connection
from serving.patterns.schemas import PatternRead, SearchRead

_SEARCH: Final[LiteralString] = """
    select week_ended_date, first_date, told_days, tested, omitted, searched_at
    from insights.pattern_searches
    where user_id = %(user_id)s and (%(week)s::date is null or week_ended_date = %(week)s)
    order by week_ended_date desc
    limit 1
"""
_PATTERNS: Final[LiteralString] = """
    select
        week_ended_date, place, kind, outcome, subject, timing, lag_days, changed_on_date, direction, estimate, lower,
        upper, unit, difference, above, days, effective_n, q_value, stars, sentence
    from insights.patterns
    where
        user_id = %(user_id)s
        and week_ended_date = %(week)s
        and place > %(after)s
        and (%(outcome)s::text is null or outcome = %(outcome)s)
        and (%(kind)s::text is null or kind = %(kind)s)
    order by place
    limit %(limit)s
"""


class Asked(NamedTuple):
    """Which patterns somebody wants: of a week (the newest by default), behind a place, at most so many."""

    week: date | None
    outcome: str | None
    kind: Kind | None
    after: int
    limit: int


async def read_search(connection: Connection, user_id: UUID, week: date | None) -> SearchRead | None:
    """The search of a week, or the newest one."""
    async with connection.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(_SEARCH, {"user_id": user_id, "week": week})
        row = await cursor.fetchone()
    return SearchRead.model_validate(row) if row else None


async def read_patterns(connection: Connection, user_id: UUID, asked: Asked) -> list[PatternRead]:
    """What the search of a week found, best first."""
    async with connection.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(_PATTERNS, {"user_id": user_id, **asked._asdict()})
        return [PatternRead.model_validate(row) for row in await cursor.fetchall()]
