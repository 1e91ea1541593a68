"""The vectors of a cohort at one instant, from the tiles that the warehouse has built.

The formulas are those of the live vector: at the same instant it has the same numbers.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any, Final, LiteralString
from uuid import UUID

import psycopg
from psycopg.rows import tuple_row

from aurora.features.built_tiles import READ_BUILT_TILES, days_of_built
from aurora.features.catalogue import FEATURES
from aurora.features.tiles import LIVE_DAYS
from aurora.features.vector import Moment, vector
from aurora.models.catalogue import ModelSpec
from aurora.predictions.answering import Asked

PEOPLE_AT_ONCE: Final = 500
"""Whose tiles are in memory together."""

_PEOPLE: Final[LiteralString] = """
    select user_id, tz from app.users where cohort = %s and deleted_at is null order by user_id
"""


def vectors_of_cohort(
    connection: psycopg.Connection[Any], spec: ModelSpec, cohort: str, as_of: datetime
) -> Iterator[Asked]:
    """The model's vector of everybody of a cohort of whom anything was known from the last LIVE_DAYS local days."""
    people: list[tuple[UUID, str]] = (
        connection.cursor(row_factory=tuple_row).execute(_PEOPLE, (cohort,)).fetchall()
    )
    features = [FEATURES[name] for name in spec.columns]
    measures = sorted({window.measure for feature in features for window in feature.windows})
    for start in range(0, len(people), PEOPLE_AT_ONCE):
        moments = {user_id: Moment.at(as_of, tz) for user_id, tz in people[start : start + PEOPLE_AT_ONCE]}
        asked = {
            "user_ids": list(moments),
            "measures": measures,
            "first": min(moment.local_date for moment in moments.values()) - timedelta(days=LIVE_DAYS - 1),
            "last": max(moment.local_date for moment in moments.values()),
            "as_of": as_of,
        }
        built = connection.cursor(row_factory=tuple_row).execute(READ_BUILT_TILES, asked).fetchall()
        for user_id, text in sorted(built):
            moment = moments[user_id]
            yield Asked(user_id, moment, vector(days_of_built(text), moment, features))
