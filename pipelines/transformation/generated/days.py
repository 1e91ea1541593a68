"""Days, nights, newest features and judged predictions: SQL around what only the kernel's catalogues may say.

To show another measure in `marts.daily_summary`, add it to DAY_MEASURES and select it there.
"""

from __future__ import annotations

from typing import Final

from aurora.events.catalogue import MEASURES
from aurora.events.mood_classes import MOOD_CLASSES
from aurora.features.catalogue import FEATURE_SETS
from aurora.scores.bedtime import USUAL_BEDTIME_DAYS, deviation_minutes_sql, minutes_after_noon_sql
from pipelines.transformation.generated.features import KEY as MOMENT
from pipelines.transformation.generated.features import SOURCE as FEATURES_SOURCE
from pipelines.transformation.generated.features import set_model
from pipelines.transformation.generated.texts import indented, one_line, sql_file

_EVENTS: Final = "aurora/events/catalogue.py"
_BEDTIME: Final = "aurora/scores/bedtime.py"
_MOOD_CLASSES: Final = "aurora/events/mood_classes.py"

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
    """Path below `models/` → text. Their descriptions are written by hand, in _days.yml and _marts.yml."""
    return {
        "intermediate/int_days.sql": sql_file("int_days", _EVENTS, _days_sql()),
        "intermediate/int_nights.sql": sql_file("int_nights", _BEDTIME, _nights_sql()),
        "marts/features_latest.sql": sql_file("features_latest", FEATURES_SOURCE, _latest_features_sql()),
        "marts/prediction_accuracy.sql": sql_file("prediction_accuracy", _MOOD_CLASSES, _accuracy_sql()),
    }


def _config(days: str) -> str:
    return f"""{{{{ config(
    materialized='incremental',
    incremental_strategy='replace_days',
    meta={{'days': '{days}'}},
    indexes=[{{'columns': ['user_id', 'local_date'], 'unique': true}}],
    post_hook='analyze {{{{ this }}}}',
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

users as (

    select * from {{{{ ref('stg_users') }}}}

),

events as (

    select
        events.user_id,
        events.local_date,
        count(*)::integer as events,
        (array_agg(events.tz order by events.started_at desc, events.event_id))[1] as tz

    from {{{{ ref('stg_events') }}}} as events
    {{{{ only_days_of(ref('stg_touched_days'), 'events') }}}}
    where events.alive_until = 'infinity' and not events.is_deleted
    group by events.user_id, events.local_date

),

measured as (

    select
        tiles.user_id,
        tiles.local_date,
{indented(measured, 8)}

    from {{{{ ref('int_tiles') }}}} as tiles
    {{{{ only_days_of(ref('stg_touched_days'), 'tiles') }}}}
    where tiles.valid_until = 'infinity'
    group by tiles.user_id, tiles.local_date

),

days as (

    select
        user_days.user_id,
        user_days.local_date,
        user_days.day_started_at,
        user_days.day_ended_at,
        -- Where the person was when the day's last event began; without any, where they live now.
        coalesce(events.tz, users.tz) as tz,
        coalesce(events.events, 0) as events,
{indented([f"measured.{column}" for column in DAY_MEASURES], 8)}

    from user_days
    inner join users on user_days.user_id = users.user_id
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
        {one_line(deviation)} as bedtime_deviation_minutes

    from nights
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


def _latest_features_sql() -> str:
    return f"""
with

users as (

    select * from {{{{ ref('users') }}}}

),

{chr(10).join(_latest_of_set(name) for name in FEATURE_SETS)}
features as (

    {f"{chr(10)}    union all{chr(10)}    ".join(f"select * from {name}_vectors" for name in FEATURE_SETS)}

)

select * from features
"""


def _latest_of_set(name: str) -> str:
    keys = ", ".join(f"'{column}'" for column in MOMENT)
    return f"""{name}_vectors as (

    select
        users.user_id,
        '{name}' as feature_set,
        newest.local_date,
        newest.as_of,
        newest.precision,
        to_jsonb(newest) - array[{keys}] as features

    from users
    cross join lateral (
        select * from {{{{ ref('{set_model(name)}') }}}} as moments
        where moments.user_id = users.user_id
        -- Of a rating and a midnight at one instant the rating: its time of day is known.
        order by moments.as_of desc, moments.precision desc
        limit 1
    ) as newest

),
"""


def _accuracy_sql() -> str:
    classes = "\n".join(
        f"                    when {mood.sql('labels.value')} then '{mood.name}'" for mood in MOOD_CLASSES
    )
    return f"""
with

predictions as (

    select * from {{{{ ref('stg_predictions') }}}}

),

-- The next rating, within a day: what a prediction says of its instant is what the person would answer then.
judged as (

    select
        predictions.*,
        label.label_event_id,
        label.rated_at,
        label.rated_value,
        label.rated_class

    from predictions
    cross join lateral (
        select
            labels.label_event_id,
            labels.as_of as rated_at,
            labels.value as rated_value,
            case labels.target
                when 'mood' then case
{classes}
                end
            end as rated_class
        from {{{{ ref('int_labels') }}}} as labels
        where
            labels.user_id = predictions.user_id
            and labels.target = predictions.model_name
            and labels.as_of >= predictions.as_of
            and labels.as_of <= predictions.as_of + interval '24 hours'
        order by labels.as_of, labels.label_event_id
        limit 1
    ) as label

),

accuracy as (

    select
        prediction_id,
        user_id,
        model_name,
        model_version,
        model_source,
        origin,
        as_of,
        local_date,
        label_event_id,
        rated_at,
        value,
        rated_value,
        value - rated_value as error,
        abs(value - rated_value) as absolute_error,
        baseline,
        baseline_name,
        abs(baseline - rated_value) as baseline_absolute_error,
        rated_value between lower and upper as is_in_interval,
        class,
        rated_class,
        class = rated_class as is_class_right

    from judged

)

select * from accuracy
"""
