"""Where the inputs of a score come from: one column each, and the joins that bring them to a local day."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from aurora.errors import CatalogueConflictError
from aurora.events.catalogue import MEASURES
from aurora.features.windows import Window
from aurora.scores.ranks import percentile_rank_sql
from aurora.scores.specification import (
    DayRank,
    Input,
    NightColumn,
    NightsWindow,
    PartScore,
    ScoredDays,
    ScoreSpec,
    ToldDays,
)
from pipelines.transformation.generated.texts import indented, one_line
from pipelines.transformation.generated.tiles import tiles_of

PARTS_MODEL: Final = "daily_part_scores"
"""The scores that are made of nothing but measurements, in one view: others are made of these."""

_LEFT_JOIN: Final = (
    "    left join {rows}\n"
    "        on user_days.user_id = {name}.user_id and user_days.local_date = {name}.local_date\n"
)

# In order, so that sums of floats are the same however the rows came.
_OF_NIGHTS: Final = {"mean": "avg({column} order by local_date)", "count": "count({column})"}

_OF_EVERY_NIGHT: Final = "main_sleep_minutes"
"""The measure that each part of a night has: its tiles tell when what is known of a night has changed."""

_KNOWN_AT: Final = "max(greatest(tiles.valid_from, nullif(tiles.valid_until, 'infinity'))) as known_at"
"""A tile that was replaced, or of which nothing is left, tells when that became known."""


def days_of(spec: ScoreSpec) -> str:
    """The model of the days that a change reaches: further where a score counts the scored days of others."""
    return "int_rescored_days" if _scored_days(spec) else "int_rebuilt_days"


def input_sql(entry: Input) -> str:
    match entry.source:
        case Window() as window:
            rows = window.measure
        case NightColumn(name=name):
            return f"nights.{name}" if name == entry.name else f"nights.{name} as {entry.name}"
        case NightsWindow():
            rows = "recent_nights"
        case DayRank(measure):
            rows = _rank_name(measure)
        case PartScore():
            rows = "parts"
        case ScoredDays():
            rows = "scored_days"
        case ToldDays():
            rows = "told_days"
    return f"{rows}.{entry.name}"


def _windows(spec: ScoreSpec) -> dict[str, dict[str, Window]]:
    """Measure → the windows that the score reads of it, by the name of the input."""
    found: dict[str, dict[str, Window]] = {}
    for entry in spec.inputs:
        if isinstance(entry.source, Window):
            found.setdefault(entry.source.measure, {})[entry.name] = entry.source
    return found


def _nights_windows(spec: ScoreSpec) -> dict[str, NightsWindow]:
    return {entry.name: entry.source for entry in spec.inputs if isinstance(entry.source, NightsWindow)}


def _ranks(spec: ScoreSpec) -> dict[str, DayRank]:
    return {entry.name: entry.source for entry in spec.inputs if isinstance(entry.source, DayRank)}


def _days_read(spec: ScoreSpec) -> dict[str, int]:
    """Measure → how many local days before its own the score reads tiles of it, or what is made of the same events."""
    found: dict[str, int] = {}
    for entry in spec.inputs:
        match entry.source:
            case Window() as window:
                measure, days = window.measure, window.last_day
            case DayRank(measure, days):
                pass
            case NightColumn(earlier_days=days):
                measure = _OF_EVERY_NIGHT
            case NightsWindow(days=days):
                # The night before the first of them counts too: it is half of the pair.
                measure = _OF_EVERY_NIGHT
            case PartScore() | ScoredDays() | ToldDays():
                continue
        found[measure] = max(days, found.get(measure, 0))
    return found


def _rank_name(measure: str) -> str:
    return f"{measure}_rank"


def _scored_days(spec: ScoreSpec) -> dict[str, ScoredDays]:
    return {entry.name: entry.source for entry in spec.inputs if isinstance(entry.source, ScoredDays)}


def parts_of(spec: ScoreSpec) -> dict[str, str]:
    """Input → the score that it is."""
    return {entry.name: entry.source.score for entry in spec.inputs if isinstance(entry.source, PartScore)}


def _reads_nights(spec: ScoreSpec) -> bool:
    return any(isinstance(entry.source, NightColumn) for entry in spec.inputs)


def known_at(spec: ScoreSpec) -> list[str]:
    """When each input became known, or was known to be gone; `greatest` passes over nulls."""
    return [
        *(f"{measure}.known_at" for measure in _days_read(spec)),
        *(["parts.known_at"] if parts_of(spec) else []),
        *("told_days.known_at" for entry in spec.inputs if isinstance(entry.source, ToldDays)),
        *(["scored_days.known_at"] if _scored_days(spec) else []),
    ]


def joins_of(spec: ScoreSpec) -> str:
    windows_of = _windows(spec)
    joins = [
        _tiles_join(measure, windows_of.get(measure, {}), days) for measure, days in _days_read(spec).items()
    ]
    if _reads_nights(spec):
        joins.append(_LEFT_JOIN.format(rows="{{ ref('int_nights') }} as nights", name="nights"))
    if windows := _nights_windows(spec):
        joins.append(_nights_window_join(windows))
    joins += [_rank_join(name, rank) for name, rank in _ranks(spec).items()]
    if parts_of(spec):
        joins.append(_LEFT_JOIN.format(rows="parts", name="parts"))
    joins += [_scored_days_join(name, scored.days) for name, scored in _scored_days(spec).items()]
    joins += [
        _told_days_join(entry.name, entry.source)
        for entry in spec.inputs
        if isinstance(entry.source, ToldDays)
    ]
    return "".join(joins)


def parts_cte(spec: ScoreSpec) -> str:
    """The parts of a day in one row."""
    scores = [
        f"max(part_scores.score) filter (where part_scores.score_name = '{score}') as {name}"
        for name, score in parts_of(spec).items()
    ]
    return f"""parts as (

    select
        part_scores.user_id,
        part_scores.local_date,
        max(part_scores.as_of) as known_at,
{indented(scores, 8)}

    from {{{{ ref('{PARTS_MODEL}') }}}} as part_scores
    {{{{ only_days_of(ref('{days_of(spec)}'), 'part_scores') }}}}
    group by part_scores.user_id, part_scores.local_date

),

"""


def _tiles_join(measure: str, windows: Mapping[str, Window], days: int) -> str:
    """The windows of one measure over whole days in the state that is known now, and when that last changed."""
    if whole := MEASURES[measure].lies_in:
        raise CatalogueConflictError(
            f"a score reads {measure!r}, which has no tile of its own: it lies in that of {whole!r}"
        )
    columns = [f"{one_line(window.aggregate_sql())} as {name}" for name, window in windows.items()]
    return f"""    cross join lateral (
        select
{indented([*columns, _KNOWN_AT], 12)}
        from (
            select
                days_tiles.*,
                case
                    when days_tiles.valid_until = 'infinity' then user_days.local_date - days_tiles.local_date
                end as days_ago
            from {{{{ ref('{tiles_of([measure])}') }}}} as days_tiles
            where
                days_tiles.user_id = user_days.user_id
                and days_tiles.measure = '{measure}'
                and {{{{ in_window('days_tiles', 'user_days.local_date', {days}, 0) }}}}
        ) as tiles
    ) as {measure}
"""


def _nights_window_join(windows: Mapping[str, NightsWindow]) -> str:
    columns = [
        f"{_OF_NIGHTS[window.aggregate].format(column=window.column)}"
        f" filter (where local_date > user_days.local_date - {window.days})::float8 as {name}"
        for name, window in windows.items()
    ]
    widest = max(window.days for window in windows.values())
    return f"""    cross join lateral (
        select
{indented(columns, 12)}
        from {{{{ ref('int_nights') }}}}
        where
            user_id = user_days.user_id
            and local_date between user_days.local_date - {widest - 1} and user_days.local_date
    ) as recent_nights
"""


def _rank_join(name: str, rank: DayRank) -> str:
    """The day's total of a measure beside those of the days before, each in the state that is known now."""
    tiles = f"{{{{ ref('{tiles_of([rank.measure])}') }}}}"
    return f"""    cross join lateral (
        select
            {percentile_rank_sql("today.total", "earlier.total")} as {name}
        from {tiles} as today
        left join {tiles} as earlier
            on
                today.user_id = earlier.user_id
                and today.measure = earlier.measure
                and {{{{ in_window('earlier', 'user_days.local_date', {rank.days}, 1) }}}}
                and earlier.valid_until = 'infinity'
        where
            today.user_id = user_days.user_id
            and today.local_date = user_days.local_date
            and today.measure = '{rank.measure}'
            and today.valid_until = 'infinity'
    ) as {_rank_name(rank.measure)}
"""


def _told_days_join(name: str, told: ToldDays) -> str:
    measures = ", ".join(f"'{measure}'" for measure in told.measures)
    return f"""    cross join lateral (
        select
            count(distinct tiles.local_date) filter (where tiles.valid_until = 'infinity')::float8 as {name},
            {_KNOWN_AT}
        from {{{{ ref('{tiles_of(told.measures)}') }}}} as tiles
        where
            tiles.user_id = user_days.user_id
            and {{{{ in_window('tiles', 'user_days.local_date', {told.days - 1}, 0) }}}}
            and tiles.measure in ({measures})
    ) as told_days
"""


def _scored_days_join(name: str, days: int) -> str:
    return f"""    cross join lateral (
        select
            count(distinct local_date) filter (where score_state = 'SCORED')::float8 as {name},
            max(as_of) as known_at
        from {{{{ ref('{PARTS_MODEL}') }}}}
        where
            user_id = user_days.user_id
            and local_date between user_days.local_date - {days - 1} and user_days.local_date
    ) as scored_days
"""
