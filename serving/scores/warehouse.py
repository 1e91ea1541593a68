"""Reading scores: `marts.scores` belongs to the warehouse and is not there before its first build."""

from __future__ import annotations

from datetime import date
from typing import Any, Final, LiteralString
from uuid import UUID

import psycopg
import structlog
from psycopg.rows import scalar_row

from serving.database import Connection
from serving.scores.schemas import ScoreRead

log = structlog.get_logger(__name__)

_IS_BUILT: Final[LiteralString] = "select to_regclass('marts.scores') is not null"

# As JSON, so that a column which the warehouse adds does not break the API. Everybody has a row of today, long before
# today has told anything.
_LATEST: Final[LiteralString] = """
    select distinct on (scores.score_name) to_jsonb(scores)
    from marts.scores as scores
    where scores.user_id = %(user_id)s
    order by scores.score_name, scores.score_state = 'UNSCORABLE', scores.local_date desc
"""
_HISTORY: Final[LiteralString] = """
    select to_jsonb(scores)
    from marts.scores as scores
    where
        scores.user_id = %(user_id)s
        and scores.local_date between %(first)s and %(last)s
        and (%(name)s::text is null or scores.score_name = %(name)s)
    order by scores.local_date desc, scores.score_name
    limit %(limit)s
"""


async def latest_scores(connection: Connection, user_id: UUID) -> list[ScoreRead]:
    """Each score of the newest day that says something; where none does, of the newest day. None before the warehouse
    is built.
    """
    return await _read(connection, _LATEST, {"user_id": user_id})


async def score_history(
    connection: Connection, user_id: UUID, first: date, last: date, name: str | None, limit: int
) -> list[ScoreRead]:
    """Scores of these local days, newest first."""
    values = {"user_id": user_id, "first": first, "last": last, "name": name, "limit": limit}
    return await _read(connection, _HISTORY, values)


async def _read(connection: Connection, query: LiteralString, values: dict[str, Any]) -> list[ScoreRead]:
    async with connection.cursor(row_factory=scalar_row) as cursor:
        await cursor.execute(_IS_BUILT)
        if not await cursor.fetchone():
            return []
        try:
            await cursor.execute(query, values)
        except (psycopg.errors.UndefinedColumn, psycopg.errors.UndefinedTable) as error:
            # The warehouse is being rebuilt by another version, or replaced under us: no scores for now.
            log.warning("scores_unreadable", problem=type(error).__name__)
            return []
        return [_score(row) for row in await cursor.fetchall()]


def _score(row: dict[str, Any]) -> ScoreRead:
    return ScoreRead.model_validate({**row, "name": row["score_name"], "factors": row.get("factors") or []})
