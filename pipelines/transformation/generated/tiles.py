"""Tiles: two tables, which of them holds a measure, and the view of all.

Postgres sums up windows in one process. Two tables have two, side by side, and nearly half of all tiles are of ratings
(docs/decisions/0047). A part of a rating lies in the tile of the whole (docs/decisions/0050).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from aurora.events.catalogue import EVENT_TYPES, EventType
from aurora.features.states import PART_COLUMNS
from aurora.features.windows import column_of
from pipelines.transformation.generated.texts import indented, sql_file

_SOURCE: Final = "aurora/events/catalogue.py"
_OF_RATINGS: Final = "int_rating_tiles"
_OF_OTHERS: Final = "int_other_tiles"
WHOLE_TILES: Final = "int_whole_tiles"
_OF_ALL: Final = "int_tiles"

_RATINGS: Final = frozenset(
    measure.name for kind in EVENT_TYPES.values() if kind.is_rating for measure in kind.measures
)


def tile_files() -> dict[str, str]:
    """Path below `models/` → text. Their descriptions are written by hand, in _tiles.yml."""
    ratings = [kind for kind in EVENT_TYPES.values() if kind.is_rating]
    others = [kind for kind in EVENT_TYPES.values() if not kind.is_rating]
    types = ", ".join(f"'{kind.name}'" for kind in ratings)
    return {
        f"intermediate/{_OF_RATINGS}.sql": _table(_OF_RATINGS, f"type in ({types})", _parts(ratings)),
        f"intermediate/{_OF_OTHERS}.sql": _table(_OF_OTHERS, f"type not in ({types})", _parts(others)),
        f"intermediate/{_OF_ALL}.sql": sql_file(_OF_ALL, _SOURCE, _view(_parts(ratings))),
    }


def tiles_of(measures: Iterable[str]) -> str:
    """The model that holds the tiles of these measures, or of those in which they lie: a table or the view of both."""
    are_ratings = {measure in _RATINGS for measure in measures}
    if len(are_ratings) > 1:
        return WHOLE_TILES
    return _OF_RATINGS if are_ratings == {True} else _OF_OTHERS


def _parts(kinds: Iterable[EventType]) -> list[str]:
    return [measure.name for kind in kinds for measure in kind.measures if measure.lies_in]


def _view(parts: list[str]) -> str:
    """One row a measure, also of those that lie in the tile of another."""
    told = [f"array[{', '.join(map(repr, parts))}]"]
    told += [
        f"array[{', '.join(f'ratings.{column_of(part, column)}' for part in parts)}]"
        for column in PART_COLUMNS
    ]
    return f"""
{{{{ config(materialized='view') }}}}

with

wholes as (

    select * from {{{{ ref('{WHOLE_TILES}') }}}}

),

parts as (

    select
        ratings.user_id,
        ratings.local_date,
        told.measure,
        ratings.valid_from,
        ratings.valid_until,
        told.n,
        told.total,
        null::numeric as squares,
        null::bigint as lowest,
        null::bigint as highest,
        null::bigint as last_value,
        null::timestamptz as last_at

    from {{{{ ref('{_OF_RATINGS}') }}}} as ratings
    cross join lateral
        unnest(
{indented(told, 12)}
        ) as told (measure, {", ".join(PART_COLUMNS)})
    where told.n is not null

),

tiles as (

    select * from wholes
    union all
    select * from parts

)

select * from tiles
"""


def _table(name: str, where: str, parts: list[str]) -> str:
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

{{{{ tiles_of("{where}", parts={parts}) }}}}
"""
    return sql_file(name, _SOURCE, text)
