"""Tiles: two tables, and which of them holds a measure.

Postgres sums up windows in one process. Two tables have two, side by side, and nearly half of all measurements are of
ratings (docs/decisions/0047).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from aurora.events.catalogue import EVENT_TYPES
from pipelines.transformation.generated.texts import sql_file

_SOURCE: Final = "aurora/events/catalogue.py"
_OF_RATINGS: Final = "int_rating_tiles"
_OF_OTHERS: Final = "int_other_tiles"
_OF_ALL: Final = "int_tiles"

_RATINGS: Final = frozenset(
    measure.name for kind in EVENT_TYPES.values() if kind.is_rating for measure in kind.measures
)


def tile_files() -> dict[str, str]:
    """Path below `models/` → text. Their descriptions are written by hand, in _tiles.yml."""
    types = ", ".join(f"'{kind.name}'" for kind in EVENT_TYPES.values() if kind.is_rating)
    return {
        f"intermediate/{_OF_RATINGS}.sql": _table(_OF_RATINGS, f"type in ({types})"),
        f"intermediate/{_OF_OTHERS}.sql": _table(_OF_OTHERS, f"type not in ({types})"),
    }


def tiles_of(measures: Iterable[str]) -> str:
    """The model that holds the tiles of these measures: one of the two tables, or the view of both."""
    are_ratings = {measure in _RATINGS for measure in measures}
    if len(are_ratings) > 1:
        return _OF_ALL
    return _OF_RATINGS if are_ratings == {True} else _OF_OTHERS


def _table(name: str, where: str) -> str:
    text = f"""
{{# Of a large log many millions of measurements are sorted: by more than one worker, as handing rows over costs little
   beside that, and in pieces of `work_mem` that are merged once. No index keeps the key: of the two below each key has
   many rows, which Postgres lists after it once, so that they take a seventh of the pages. #}}
{{{{ config(
    materialized='incremental',
    incremental_strategy='replace_days',
    meta={{'days': 'stg_touched_days'}},
    indexes=[
        {{'columns': ['user_id', block_of('local_date'), 'measure']}},
        {{'columns': ['user_id', 'local_date']}},
    ],
    pre_hook="set local work_mem = '128MB'; set local parallel_tuple_cost = 0.01",
    post_hook='{{{{ analyze_if_grown() }}}}',
) }}}}

{{{{ tiles_of("{where}") }}}}
"""
    return sql_file(name, _SOURCE, text)
