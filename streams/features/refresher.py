"""From touched days to live state: tiles, predictions, scores and messages, with an exactly-once effect.

One transaction in Postgres holds the predictions and the marks of the messages that led to them. What is
written to Redis is recomputed from the log, so that doing it twice changes nothing. Predictions and scores are
made for who listens; everybody else's are computed when they ask (docs/decisions/0009).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
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
from aurora.notices.log import append
from aurora.notices.messages import Notice
from aurora.predictions.storage import PredictionRow, write_predictions_async
from aurora.telemetry import EVENT_DELAY
from streams.events.dead_letters import DeadLetter, keep, without_effect
from streams.events.messages import Touch
from streams.events.outbox import ask_what_is_consumed, mark_consumed
from streams.features.live_tiles import days_of_versions, refresh_tiles
from streams.features.people import Person, ask_for_people, take_turns
from streams.metrics import CONSUMED
from streams.notices import Changed, News, keep_predictions, notices_of, withdraw_predictions
from streams.predictions.forecasts import Champions, forecast
from streams.scores.provisional import provisional_scores

Failed = Mapping[UUID, Mapping[date, Exception]]
"""Days of people that cannot be computed, and why."""


@dataclass(frozen=True)
class Effect:
    """What messages bring about beside the tiles, to be written with their marks."""

    failed: Failed = field(default_factory=dict)
    predictions: Sequence[PredictionRow] = ()
    notices: Sequence[tuple[UUID, Notice]] = ()


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
            people, known = await _begin(connection, touches)
            new = [touch for touch in touches if touch.outbox_id not in known]
            CONSUMED.labels("duplicate").inc(len(touches) - len(new))
            if not new:
                return
            effect = await self._effect(connection, new, people)
            letters = _letters(new, effect.failed)
            # What does not wait for an answer travels together.
            async with connection.pipeline():
                await write_predictions_async(connection, effect.predictions)
                await keep(connection, letters)
                await mark_consumed(connection, _ids(new))
                heads = await append(connection, effect.notices)
        await knock(self._redis, heads)
        finished_at = clock.now()
        CONSUMED.labels("dead_letter").inc(len(letters))
        CONSUMED.labels("effective").inc(len(new) - len(letters))
        for touch in new:
            if touch.received_at is not None:
                EVENT_DELAY.observe(max(0.0, (finished_at - touch.received_at).total_seconds()))

    async def _effect(
        self,
        connection: psycopg.AsyncConnection[Any],
        touches: Sequence[Touch],
        people: Mapping[UUID, Person],
    ) -> Effect:
        as_of = _moment_of(touches)
        by_user: dict[UUID, list[Touch]] = defaultdict(list)
        for touch in touches:
            by_user[touch.user_id].append(touch)
        gone = [tiles_key(user_id) for user_id in by_user if user_id not in people]
        if gone:
            await self._redis.delete(*gone)
        touched: dict[Person, set[date]] = {
            people[user_id]: {touch.local_date for touch in theirs}
            for user_id, theirs in by_user.items()
            if user_id in people
        }
        if not touched:
            return Effect()
        for user_id, day in await days_of_versions(connection, _corrected(touches)):
            if user_id in people:
                touched[people[user_id]].add(day)
        failed = await refresh_tiles(connection, self._redis, touched, as_of)
        changes = [
            Changed(person.user_id, Moment.at(as_of, person.tz), by_user[person.user_id])
            for person in touched
        ]
        tokens, listening = await withdraw_predictions(self._redis, changes)
        heard = [change for change in changes if change.user_id in listening]
        news = await self._foretell(people, heard, tokens)
        rows = [entry.row for one in news for entry in one.forecasts]
        return Effect(failed, rows, notices_of(changes, news))

    async def _foretell(
        self, people: Mapping[UUID, Person], changes: Sequence[Changed], tokens: Mapping[UUID, bytes]
    ) -> list[News]:
        """Predictions and scores of the people who listen, the predictions kept for the API."""
        if not changes:
            return []
        tiles = await read_tiles_of_many(self._redis, [change.user_id for change in changes])
        moments = {people[change.user_id]: change.moment for change in changes}
        known = {person: tiles[person.user_id] or {} for person in moments}
        forecasts = await forecast(known, moments, self._champions)
        news = [
            News(
                change=change,
                forecasts=forecasts[change.user_id],
                scores=provisional_scores(known[people[change.user_id]], change.moment),
            )
            for change in changes
        ]
        await keep_predictions(self._redis, news, tokens)
        return news


async def _begin(
    connection: psycopg.AsyncConnection[Any], touches: Sequence[Touch]
) -> tuple[dict[UUID, Person], set[int]]:
    """Take these people's turns; then who of them exists, and which messages had their effect before.

    One question: each statement sees what was committed while the turns were waited for.
    """
    user_ids = {touch.user_id for touch in touches}
    async with connection.pipeline():
        await take_turns(connection, user_ids)
        existing = await ask_for_people(connection, user_ids)
        consumed = await ask_what_is_consumed(connection, _ids(touches))
        people = {person.user_id: person for person in await existing.fetchall()}
        return people, {outbox_id for (outbox_id,) in await consumed.fetchall()}


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
