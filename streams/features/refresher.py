"""From touched days to live state: tiles, predictions, scores and messages, with an exactly-once effect.

One transaction in Postgres holds the predictions and the marks of the messages that led to them. What is
written to Redis is recomputed from the log, so that doing it twice changes nothing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

import psycopg
from psycopg_pool import AsyncConnectionPool
from redis.asyncio import Redis

from aurora import clock
from aurora.features.live import tiles_key
from aurora.features.vector import Moment
from aurora.predictions.storage import write_predictions_async
from aurora.telemetry import EVENT_DELAY
from streams.events.messages import Touch
from streams.events.outbox import already_consumed, mark_consumed
from streams.features.live_tiles import days_of_versions, refresh_tiles
from streams.features.people import Person, read_people, take_turns
from streams.metrics import CONSUMED
from streams.notices import News, tell
from streams.predictions.forecasts import Champions, forecast
from streams.scores.provisional import provisional_scores


class Refresher:
    """Brings the live state of people up to date."""

    def __init__(
        self,
        pool: AsyncConnectionPool[psycopg.AsyncConnection[Any]],
        redis: Redis,
        champions: Champions,
    ) -> None:
        self._pool = pool
        self._redis = redis
        self._champions = champions

    async def refresh(self, touches: Sequence[Touch]) -> None:
        """Give these messages their effect. Those that had it before are passed over."""
        async with self._pool.connection() as connection:
            await take_turns(connection, {touch.user_id for touch in touches})
            known = await already_consumed(connection, _ids(touches))
            new = [touch for touch in touches if touch.outbox_id not in known]
            CONSUMED.labels("duplicate").inc(len(touches) - len(new))
            if not new:
                return
            news = await self._effect(connection, new)
            await mark_consumed(connection, _ids(new))
            # Before the commit: a message may be told twice, and is never lost.
            await tell(self._redis, news)
        finished_at = clock.now()
        CONSUMED.labels("effective").inc(len(new))
        for touch in new:
            if touch.received_at is not None:
                EVENT_DELAY.observe(max(0.0, (finished_at - touch.received_at).total_seconds()))

    async def _effect(self, connection: psycopg.AsyncConnection[Any], touches: Sequence[Touch]) -> list[News]:
        as_of = _moment_of(touches)
        by_user: dict[UUID, list[Touch]] = defaultdict(list)
        for touch in touches:
            by_user[touch.user_id].append(touch)
        people = await read_people(connection, by_user)
        gone = [tiles_key(user_id) for user_id in by_user if user_id not in people]
        if gone:
            await self._redis.delete(*gone)
        touched: dict[Person, set[date]] = {
            person: {touch.local_date for touch in by_user[user_id]} for user_id, person in people.items()
        }
        if not touched:
            return []
        for user_id, day in await days_of_versions(connection, _corrected(touches)):
            if user_id in people:
                touched[people[user_id]].add(day)
        tiles = await refresh_tiles(connection, self._redis, touched, as_of)
        moments = {person: Moment.at(as_of, person.tz) for person in touched}
        forecasts = await forecast(tiles, moments, self._champions)
        rows = [entry.row for user_id in forecasts for entry in forecasts[user_id]]
        await write_predictions_async(connection, rows)
        return [
            News(
                user_id=person.user_id,
                moment=moments[person],
                touches=by_user[person.user_id],
                forecasts=forecasts[person.user_id],
                scores=provisional_scores(tiles[person], moments[person]),
            )
            for person in touched
        ]


def _ids(touches: Sequence[Touch]) -> list[int]:
    return [touch.outbox_id for touch in touches if touch.outbox_id is not None]


def _corrected(touches: Sequence[Touch]) -> set[tuple[UUID, UUID]]:
    return {
        (touch.user_id, touch.event_id)
        for touch in touches
        if touch.event_id is not None and (touch.version or 1) > 1
    }


def _moment_of(touches: Sequence[Touch]) -> datetime:
    """Now, but not before the touches themselves: the clock of another machine may run ahead of this one."""
    return max([clock.now(), *(touch.received_at for touch in touches if touch.received_at is not None)])
