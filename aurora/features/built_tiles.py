"""Tiles as the warehouse has built them, for reading many people's at once.

A tile of the warehouse says what was known when, so it serves any `as_of`. Days that were touched since the last good
build are there as that build saw them.
"""

from __future__ import annotations

import json
from collections import defaultdict
from datetime import UTC, date, datetime, timedelta
from typing import Final, LiteralString

from aurora.events.catalogue import MEASURES
from aurora.features.tiles import Tile

DaysOfTiles = dict[date, dict[str, Tile]]

READ_BUILT_TILES: Final[LiteralString] = """
    select
        user_id,
        json_agg(json_build_array(
            local_date - date '1970-01-01', measure, n, total, squares, lowest, highest, last_value,
            (extract(epoch from last_at) * 1000000)::bigint
        ))::text
    from intermediate.int_tiles
    where
        user_id = any(%(user_ids)s)
        and measure = any(%(measures)s)
        and local_date between %(first)s and %(last)s
        and valid_from <= %(as_of)s
        and valid_until > %(as_of)s
    group by user_id
"""
"""One row a person: their tiles as one text, for `days_of_built`."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_EPOCH_DAY: Final = date(1970, 1, 1).toordinal()


def days_of_built(text: str) -> DaysOfTiles:
    """The tiles of a person by local day and measure, from a row of READ_BUILT_TILES."""
    days: DaysOfTiles = defaultdict(dict)
    for number, measure, n, total, squares, low, high, last, micros in json.loads(text):
        day = date.fromordinal(number + _EPOCH_DAY)
        if MEASURES[measure].lies_in is not None:
            days[day][measure] = Tile(n, total)
            continue
        last_at = _EPOCH + timedelta(microseconds=micros)
        days[day][measure] = Tile(n, total, squares, low, high, last, last_at)
    return days
