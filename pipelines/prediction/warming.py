"""The morning's first answers: when the night's models have moved in, what was kept comes from the ones before.

Whoever's prediction lies in Redis has looked in the last minutes, and looks again: theirs is made anew at once. All
others' are made when they ask, or when an event of theirs comes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, LiteralString
from uuid import UUID

import psycopg
from redis.asyncio import Redis

from aurora import clock
from aurora.features.live import read_tiles_of_many
from aurora.features.vector import Moment, vector
from aurora.kept_answers import look_up
from aurora.models.catalogue import model_spec
from aurora.predictions.answering import Asked, features_of, predict_rows
from aurora.predictions.kept import keep_prediction, kept_for, prediction_place
from aurora.predictions.storage import read_predictor, write_predictions

PEOPLE_AT_ONCE: Final = 200
_PEOPLE: Final[LiteralString] = """
    select user_id, tz from app.users where user_id = any(%s) and cohort = %s and deleted_at is null
"""


async def warm_predictions(
    connection: psycopg.Connection[Any], redis: Redis, model: str, cohort: str, *, threads: int = 1
) -> int:
    """Predict anew for the people of a cohort whose prediction is kept, log it and keep it; how many there were."""
    warmed = 0
    user_ids = await kept_for(redis, model)
    for start in range(0, len(user_ids), PEOPLE_AT_ONCE):
        some = user_ids[start : start + PEOPLE_AT_ONCE]
        people: list[tuple[UUID, str]] = connection.execute(_PEOPLE, (some, cohort)).fetchall()
        warmed += await _warm(connection, redis, model, cohort, people, threads)
    return warmed


async def _warm(
    connection: psycopg.Connection[Any],
    redis: Redis,
    model: str,
    cohort: str,
    people: Sequence[tuple[UUID, str]],
    threads: int,
) -> int:
    spec, now = model_spec(model), clock.now()
    predictor = read_predictor(connection, model, cohort, threads=threads)
    # Before the tiles are read: an event that comes meanwhile makes what follows void.
    tokens = {
        user_id: (await look_up(redis, prediction_place(user_id, model))).tokens for user_id, _ in people
    }
    tiles = await read_tiles_of_many(redis, list(tokens))
    moments = {user_id: Moment.at(now, tz) for user_id, tz in people if tiles[user_id] is not None}
    features = features_of(spec, predictor)
    asked = [
        Asked(user_id, moment, vector(tiles[user_id] or {}, moment, features))
        for user_id, moment in moments.items()
    ]
    rows = predict_rows(spec, predictor, asked, origin="live")
    write_predictions(connection, rows)
    async with redis.pipeline(transaction=False) as pipe:
        for row in rows:
            keep_prediction(pipe, row.user_id, tokens[row.user_id], row.prediction, row.as_of, row.local_date)
        await pipe.execute()
    return len(rows)
