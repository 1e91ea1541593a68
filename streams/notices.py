"""What the streams tell the rest: predictions in Redis for the API, notices for the apps of a person.

Notices are written with the effect that they tell of, in its transaction (`aurora.notices`): once, in order,
and never of something that did not happen. Serving passes them on.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from redis.asyncio import Redis

from aurora.features.vector import Moment
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
from aurora.predictions.kept import forget_predictions, keep_prediction
from aurora.scores.scoring import Score
from streams.events.messages import Touch
from streams.predictions.forecasts import Forecast


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


async def withdraw_predictions(
    redis: Redis, changes: Sequence[Changed]
) -> tuple[dict[UUID, bytes], set[UUID]]:
    """Let nobody read what was predicted before these changes; the tokens to keep what is predicted from now on, and
    who of these people listens."""
    async with redis.pipeline(transaction=False) as pipe:
        tokens = {}
        for change in changes:
            tokens[change.user_id] = forget_predictions(pipe, change.user_id)
            pipe.pubsub_numsub(channel_of(change.user_id))
        answers = await pipe.execute()
    # Redis says how many workers have a socket of theirs.
    listening = {change.user_id for change, heard in zip(changes, answers[1::2], strict=True) if heard[0][1]}
    return tokens, listening


async def keep_predictions(redis: Redis, news: Sequence[News], tokens: Mapping[UUID, bytes]) -> None:
    """Put the predictions where the API looks first; a change that came meanwhile has made them worthless there."""
    async with redis.pipeline(transaction=False) as pipe:
        for one in news:
            user_id = one.change.user_id
            for row in (forecast.row for forecast in one.forecasts):
                keep_prediction(pipe, user_id, tokens[user_id], row.prediction, row.as_of, row.local_date)
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
