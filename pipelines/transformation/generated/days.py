"""Days and nights: SQL around what only the kernel's catalogues may say.

To show another measure in `marts.daily_summary`, add it to DAY_MEASURES and select it there.
"""

from __future__ import annotations

from typing import Final

from aurora.events.catalogue import MEASURES
from aurora.scores.bedtime import USUAL_BEDTIME_DAYS, deviation_minutes_sql, minutes_after_noon_sql
from aurora.scores.regularity import same_state_percent_sql
from pipelines.transformation.generated.texts import indented, one_line, sql_file
from pipelines.transformation.generated.tiles import WHOLE_TILES

_EVENTS: Final = "aurora/events/catalogue.py"
_BEDTIME: Final = "aurora/scores/bedtime.py"

_OF_TILE: Final = {"sum": "total::float8", "mean": "total::float8 / n::float8", "last": "last_value::float8"}

# Column of a day → measure; summed up as the catalogue says.
DAY_MEASURES: Final[dict[str, str]] = {
    "nap_minutes": "nap_minutes",
    "exercise_minutes": "exercise_minutes",
    "exercise_load": "exercise_load",
    "steps": "steps",
    "work_minutes": "work_minutes",
    "screen_minutes": "screen_minutes",
    "meditation_minutes": "meditation_minutes",
    "meals": "meals",
    "caffeine_mg": "caffeine",
    "alcohol_g": "alcohol",
    "social_events": "social_events",
    "energy_mean": "energy",
    "mood_mean": "mood",
    "stress_mean": "stress",
    "resting_heart_rate_bpm": "resting_heart_rate",
    "hrv_rmssd_ms": "hrv",
    "weight_kg": "weight",
}


def day_files() -> dict[str, str]:
    """Path below `models/` → text. Their descriptions are written by hand, in _days.yml."""
    return {
        "intermediate/int_days.sql": sql_file("int_days", _EVENTS, _days_sql()),
        "intermediate/int_nights.sql": sql_file("int_nights", _BEDTIME, _nights_sql()),
    }


def _config(days: str) -> str:
    return f"""{{{{ config(
    materialized='incremental',
    incremental_strategy='replace_days',
    meta={{'days': '{days}'}},
    indexes=[{{'columns': ['user_id', 'local_date'], 'unique': true}}],
    post_hook='{{{{ analyze_if_grown() }}}}',
) }}}}"""


def _of_day(column: str, measure: str) -> str:
    """A day has one tile a measure in the state that is known now: `max` only picks it."""
    value, scale = _OF_TILE[MEASURES[measure].aggregate], MEASURES[measure].scale
    return f"max({value}) filter (where measure = '{measure}') / {scale}::float8 as {column}"


def _days_sql() -> str:
    measured = [_of_day(column, measure) for column, measure in DAY_MEASURES.items()]
    return f"""
{_config("stg_touched_days")}

with

user_days as (

    select user_days.*
    from {{{{ ref('stg_user_days') }}}} as user_days
    {{{{ only_days_of(ref('stg_touched_days'), 'user_days') }}}}

),

events as (

    select
        events.user_id,
        events.local_date,
        count(*)::integer as events,
        (array_agg(events.tz order by events.started_at desc, events.event_id))[1] as tz

    from {{{{ rows_of_days(ref('stg_events'), 'events', ref('stg_touched_days'), of_log=true) }}}}
    where events.alive_until = 'infinity' and not events.is_deleted
    group by events.user_id, events.local_date

),

measured as (

    select
        tiles.user_id,
        tiles.local_date,
{indented(measured, 8)}

    from {{{{ rows_of_days(ref('{WHOLE_TILES}'), 'tiles', ref('stg_touched_days')) }}}}
    where tiles.valid_until = 'infinity'
    group by tiles.user_id, tiles.local_date

),

days as (

    select
        user_days.user_id,
        user_days.local_date,
        user_days.day_started_at,
        user_days.day_ended_at,
        -- Where the person was when the day's last event began; without any, where they were when it became known.
        coalesce(events.tz, user_days.tz) as tz,
        coalesce(events.events, 0) as events,
{indented([f"measured.{column}" for column in DAY_MEASURES], 8)}

    from user_days
    left join events
        on user_days.user_id = events.user_id and user_days.local_date = events.local_date
    left join measured
        on user_days.user_id = measured.user_id and user_days.local_date = measured.local_date

)

select * from days
"""


def _nights_sql() -> str:
    bedtime = minutes_after_noon_sql("local_started_at")
    deviation = deviation_minutes_sql(
        "nights.bedtime_minutes_after_noon",
        "earlier.usual_bedtime_minutes_after_noon",
        "earlier.nights",
    )
    return f"""
{_config("int_rebuilt_days")}

with

nights as (

    select
        nights.*,
        {bedtime.replace("local_started_at", "nights.local_started_at")} as bedtime_minutes_after_noon

    from {{{{ ref('int_sleep_merged_to_nights') }}}} as nights
    {{{{ only_days_of(ref('int_rebuilt_days'), 'nights') }}}}

),

compared as (

    select
        nights.*,
        earlier.usual_bedtime_minutes_after_noon,
        {one_line(deviation)} as bedtime_deviation_minutes,
        {same_state_percent_sql("nights", "before")} as same_state_percent

    from nights
    left join {{{{ ref('int_sleep_merged_to_nights') }}}} as before
        on nights.user_id = before.user_id and nights.local_date - 1 = before.local_date
    cross join lateral (
        select
            count(local_started_at) as nights,
            percentile_cont(0.5) within group (order by {bedtime}) as usual_bedtime_minutes_after_noon
        from {{{{ ref('int_sleep_merged_to_nights') }}}}
        where
            user_id = nights.user_id
            and local_date between nights.local_date - {USUAL_BEDTIME_DAYS} and nights.local_date - 1
            and local_started_at is not null
    ) as earlier

)

select * from compared
"""
