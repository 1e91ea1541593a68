"""From touched days to live state: tiles, predictions, scores and messages, with an exactly-once effect.

One transaction in Postgres holds the predictions and the marks of the messages that led to them. What is
written to Redis is recomputed from the log, so that doing it twice changes nothing. Predictions and scores are
made for who listens; everybody else's are computed when they ask (docs/decisions/0009).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

import psycopg
from psycopg_pool import AsyncConnectionPool
from redis.asyncio import Redis

from aurora import clock
from aurora.features.live import read_tiles_of_many, tiles_key
from aurora.features.vector import Moment
from aurora.notices.knocks import knock
from aurora.notices.log import Head
from aurora.predictions.storage import write_predictions_async
from aurora.telemetry import EVENT_DELAY
from streams.events.dead_letters import DeadLetter, keep, without_effect
from streams.events.messages import Touch
from streams.events.outbox import already_consumed, mark_consumed
from streams.features.live_tiles import days_of_versions, refresh_tiles
from streams.features.people import Person, read_people, take_turns
from streams.metrics import CONSUMED
from streams.notices import Changed, News, tell_changes, tell_news
from streams.predictions.forecasts import Champions, forecast
from streams.scores.provisional import provisional_scores

Failed = Mapping[UUID, Mapping[date, Exception]]
"""Days of people that cannot be computed, and why."""


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
            told: dict[UUID, Head] = {}
            letters = _letters(new, await self._effect(connection, new, told))
            await keep(connection, letters)
            await mark_consumed(connection, _ids(new))
        await knock(self._redis, told.values())
        finished_at = clock.now()
        CONSUMED.labels("dead_letter").inc(len(letters))
        CONSUMED.labels("effective").inc(len(new) - len(letters))
        for touch in new:
            if touch.received_at is not None:
                EVENT_DELAY.observe(max(0.0, (finished_at - touch.received_at).total_seconds()))

    async def _effect(
        self, connection: psycopg.AsyncConnection[Any], touches: Sequence[Touch], told: dict[UUID, Head]
    ) -> Failed:
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
            return {}
        for user_id, day in await days_of_versions(connection, _corrected(touches)):
            if user_id in people:
                touched[people[user_id]].add(day)
        failed = await refresh_tiles(connection, self._redis, touched, as_of)
        changes = [
            Changed(person.user_id, Moment.at(as_of, person.tz), by_user[person.user_id])
            for person in touched
        ]
        listening, heads = await tell_changes(connection, self._redis, changes)
        told.update(heads)
        if listening:
            heard = [change for change in changes if change.user_id in listening]
            told.update(await self._foretell(connection, people, heard))
        return failed

    async def _foretell(
        self,
        connection: psycopg.AsyncConnection[Any],
        people: Mapping[UUID, Person],
        changes: Sequence[Changed],
    ) -> dict[UUID, Head]:
        """Predictions and scores of the people who listen."""
        tiles = await read_tiles_of_many(self._redis, [change.user_id for change in changes])
        moments = {people[change.user_id]: change.moment for change in changes}
        known = {person: tiles[person.user_id] or {} for person in moments}
        forecasts = await forecast(known, moments, self._champions)
        rows = [entry.row for user_id in forecasts for entry in forecasts[user_id]]
        await write_predictions_async(connection, rows)
        news = [
            News(
                change=change,
                forecasts=forecasts[change.user_id],
                scores=provisional_scores(known[people[change.user_id]], change.moment),
            )
            for change in changes
        ]
        return await tell_news(connection, self._redis, news)


def _letters(touches: Sequence[Touch], failed: Failed) -> list[DeadLetter]:
    """The messages whose day could not be computed; a correction also concerns the days that it left."""
    letters = []
    for touch in touches:
        errors = failed.get(touch.user_id, {})
        error = errors.get(touch.local_date) or (
            next(iter(errors.values()), None) if _corrected([touch]) else None
        )
        if error is not None:
            letters.append(without_effect(touch, error))
    return letters


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
