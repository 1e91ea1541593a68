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
from aurora.scores.scoring import Score
from streams.events.messages import Touch
from streams.predictions.forecasts import Forecast
from streams.scores.provisional import score_as_json

PREDICTION_TTL: Final = timedelta(minutes=5)
"""A prediction is for now: after this the API computes a new one."""

MOST_EVENTS_NAMED: Final = 100


@dataclass(frozen=True)
class News:
    """What is new about one person."""

    user_id: UUID
    moment: Moment
    touches: Sequence[Touch]
    forecasts: Sequence[Forecast]
    scores: Sequence[Score]


def prediction_key(user_id: UUID, model: str) -> str:
    return f"aurora:predictions:{user_id}:{model}"


def channel_of(user_id: UUID) -> str:
    return f"aurora:ws:{user_id}"


async def tell(redis: Redis, news: Iterable[News]) -> None:
    """Cache the predictions and publish the messages, in one go."""
    async with redis.pipeline(transaction=False) as pipe:
        for one in news:
            for forecast in one.forecasts:
                body = json.dumps(forecast.as_json())
                pipe.set(prediction_key(one.user_id, forecast.model), body, ex=PREDICTION_TTL)
            for message in messages_of(one):
                pipe.publish(channel_of(one.user_id), json.dumps(message))
        await pipe.execute()


def messages_of(news: News) -> list[dict[str, Any]]:
    """The messages about one person, in the order in which they are sent."""
    messages = [_about("events", news, _of_events(news.touches))]
    messages += [_about("predictions", news, forecast.as_json()) for forecast in news.forecasts]
    if news.scores:
        scores = [score_as_json(scored) for scored in news.scores]
        messages.append(_about("scores", news, {"is_provisional": True, "scores": scores}))
    return messages


def _about(subject: str, news: News, body: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "as_of": news.moment.as_of.isoformat(),
        "local_date": news.moment.local_date.isoformat(),
        **body,
        "topic": f"user:{news.user_id}:{subject}",
    }


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
