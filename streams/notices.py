"""What the streams tell the rest: predictions in Redis for the API, notices for the apps of a person.

Notices are written with the effect that they tell of, in its transaction (`aurora.notices`): once, in order,
and never of something that did not happen. Serving passes them on.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from uuid import UUID

import orjson
from redis.asyncio import Redis

from aurora.features.vector import Moment
from aurora.models.catalogue import MODELS
from aurora.notices.knocks import channel_of
from aurora.notices.messages import (
    MOST_EVENTS_NAMED,
    ChangedEvent,
    EventsNotice,
    Notice,
    ScoreGiven,
    ScoresNotice,
    prediction_notice,
)
from aurora.scores.scoring import Score
from streams.events.messages import Touch
from streams.predictions.forecasts import Forecast

PREDICTION_TTL: Final = timedelta(minutes=5)
"""A prediction is for now: after this the API computes a new one."""


@dataclass(frozen=True)
class Changed:
    """A person whose live state has changed, and what changed it."""

    user_id: UUID
    moment: Moment
    touches: Sequence[Touch]


@dataclass(frozen=True)
class News:
    """What follows from a change, for a person who listens."""

    change: Changed
    forecasts: Sequence[Forecast]
    scores: Sequence[Score]


def prediction_key(user_id: UUID, model: str) -> str:
    return f"aurora:predictions:{user_id}:{model}"


async def forget_predictions(redis: Redis, changes: Sequence[Changed]) -> set[UUID]:
    """Forget what was predicted before these changes; returns who of these people listens."""
    async with redis.pipeline(transaction=False) as pipe:
        for change in changes:
            pipe.delete(*(prediction_key(change.user_id, model) for model in MODELS))
            pipe.pubsub_numsub(channel_of(change.user_id))
        answers = await pipe.execute()
    # Redis says how many workers have a socket of theirs.
    return {change.user_id for change, heard in zip(changes, answers[1::2], strict=True) if heard[0][1]}


async def cache_predictions(redis: Redis, news: Sequence[News]) -> None:
    """Put the predictions where the API looks first."""
    async with redis.pipeline(transaction=False) as pipe:
        for one in news:
            for forecast in one.forecasts:
                key = prediction_key(one.change.user_id, forecast.model)
                pipe.set(key, orjson.dumps(forecast.as_json()), ex=PREDICTION_TTL)
        await pipe.execute()


def notices_of(changes: Sequence[Changed], news: Sequence[News]) -> list[tuple[UUID, Notice]]:
    """What there is to tell and whom: each one's changed events first, then what follows from them."""
    told = [(change.user_id, _of_events(change)) for change in changes]
    return [*told, *((one.change.user_id, notice) for one in news for notice in _of_news(one))]


def _of_news(news: News) -> list[Notice]:
    moment = news.change.moment
    notices: list[Notice] = [prediction_notice(forecast.as_json()) for forecast in news.forecasts]
    if news.scores:
        scores = [ScoreGiven.of(scored) for scored in news.scores]
        notices.append(
            ScoresNotice(as_of=moment.as_of, local_date=moment.local_date, is_provisional=True, scores=scores)
        )
    return notices


def _of_events(change: Changed) -> EventsNotice:
    events = [
        ChangedEvent(
            event_id=touch.event_id, version=touch.version, type=touch.type, local_date=touch.local_date
        )
        for touch in change.touches
        if touch.event_id is not None
    ]
    return EventsNotice(
        as_of=change.moment.as_of,
        local_date=change.moment.local_date,
        local_dates=sorted({touch.local_date for touch in change.touches}),
        events=events[:MOST_EVENTS_NAMED],
    )
