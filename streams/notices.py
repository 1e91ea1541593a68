"""What the streams tell the rest: predictions in Redis for the API, messages for the WebSocket.

On the channel of a person each message names its topic, `user:{id}:events | predictions | scores`. Serving
passes them on. Nothing here is the only copy: whoever misses a message finds all of it in the API.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from redis.asyncio import Redis

from aurora.features.vector import Moment
from aurora.models.catalogue import MODELS
from aurora.scores.scoring import Score
from streams.events.messages import Touch
from streams.predictions.forecasts import Forecast
from streams.scores.provisional import score_as_json

PREDICTION_TTL: Final = timedelta(minutes=5)
"""A prediction is for now: after this the API computes a new one."""

MOST_EVENTS_NAMED: Final = 100


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


def channel_of(user_id: UUID) -> str:
    return f"aurora:ws:{user_id}"


async def tell_changes(redis: Redis, changes: Sequence[Changed]) -> set[UUID]:
    """Say whose events have changed, and forget what was predicted before; who of them listens."""
    async with redis.pipeline(transaction=False) as pipe:
        for change in changes:
            pipe.delete(*(prediction_key(change.user_id, model) for model in MODELS))
            pipe.publish(channel_of(change.user_id), _message("events", change, _of_events(change.touches)))
        answers = await pipe.execute()
    # Redis says how many heard it.
    return {change.user_id for change, heard in zip(changes, answers[1::2], strict=True) if heard}


async def tell_news(redis: Redis, news: Iterable[News]) -> None:
    """Cache the predictions and publish them and the scores."""
    async with redis.pipeline(transaction=False) as pipe:
        for one in news:
            user_id = one.change.user_id
            for forecast in one.forecasts:
                body = forecast.as_json()
                pipe.set(prediction_key(user_id, forecast.model), json.dumps(body), ex=PREDICTION_TTL)
                pipe.publish(channel_of(user_id), _message("predictions", one.change, body))
            if one.scores:
                scores = {"is_provisional": True, "scores": list(map(score_as_json, one.scores))}
                pipe.publish(channel_of(user_id), _message("scores", one.change, scores))
        await pipe.execute()


def _message(subject: str, change: Changed, body: Mapping[str, Any]) -> str:
    about = {
        "as_of": change.moment.as_of.isoformat(),
        "local_date": change.moment.local_date.isoformat(),
        **body,
        "topic": f"user:{change.user_id}:{subject}",
    }
    return json.dumps(about)


def _of_events(touches: Sequence[Touch]) -> dict[str, Any]:
    named = [touch for touch in touches if touch.event_id is not None]
    return {
        "local_dates": sorted({touch.local_date.isoformat() for touch in touches}),
        "events": [
            {
                "event_id": str(touch.event_id),
                "version": touch.version,
                "type": touch.type,
                "local_date": touch.local_date.isoformat(),
            }
            for touch in named[:MOST_EVENTS_NAMED]
        ],
        "position": max((touch.position or 0 for touch in touches), default=0),
    }
