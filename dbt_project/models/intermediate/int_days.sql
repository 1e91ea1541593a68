-- Written by `aurora generate` from aurora/events/catalogue.py; do not edit.
-- sqlfluff:max_line_length:0
{{ config(
    materialized='incremental',
    incremental_strategy='replace_days',
    meta={'days': 'stg_touched_days'},
    indexes=[{'columns': ['user_id', 'local_date'], 'unique': true}],
    post_hook='{{ analyze_if_grown() }}',
) }}

with

user_days as (

    select user_days.*
    from {{ ref('stg_user_days') }} as user_days
    {{ only_days_of(ref('stg_touched_days'), 'user_days') }}

),

events as (

    select
        events.user_id,
        events.local_date,
        count(*)::integer as events,
        (array_agg(events.tz order by events.started_at desc, events.event_id))[1] as tz

    from {{ rows_of_days(ref('stg_events'), 'events', ref('stg_touched_days'), of_log=true) }}
    where events.alive_until = 'infinity' and not events.is_deleted
    group by events.user_id, events.local_date

),

measured as (

    select
        tiles.user_id,
        tiles.local_date,
        max(total::float8) filter (where measure = 'nap_minutes') / 1000::float8 as nap_minutes,
        max(total::float8) filter (where measure = 'exercise_minutes') / 1000::float8 as exercise_minutes,
        max(total::float8) filter (where measure = 'exercise_load') / 1000::float8 as exercise_load,
        max(total::float8) filter (where measure = 'steps') / 1::float8 as steps,
        max(total::float8) filter (where measure = 'work_minutes') / 1000::float8 as work_minutes,
        max(total::float8) filter (where measure = 'screen_minutes') / 1000::float8 as screen_minutes,
        max(total::float8) filter (where measure = 'meditation_minutes') / 1000::float8 as meditation_minutes,
        max(total::float8) filter (where measure = 'meals') / 1::float8 as meals,
        max(total::float8) filter (where measure = 'caffeine') / 1000::float8 as caffeine_mg,
        max(total::float8) filter (where measure = 'alcohol') / 1000::float8 as alcohol_g,
        max(total::float8) filter (where measure = 'social_events') / 1::float8 as social_events,
        max(total::float8 / n::float8) filter (where measure = 'energy') / 1000::float8 as energy_mean,
        max(total::float8 / n::float8) filter (where measure = 'mood') / 1000::float8 as mood_mean,
        max(total::float8 / n::float8) filter (where measure = 'stress') / 1000::float8 as stress_mean,
        max(total::float8 / n::float8) filter (where measure = 'resting_heart_rate') / 1000::float8 as resting_heart_rate_bpm,
        max(total::float8 / n::float8) filter (where measure = 'hrv') / 1000::float8 as hrv_rmssd_ms,
        max(last_value::float8) filter (where measure = 'weight') / 1000::float8 as weight_kg

    from {{ rows_of_days(ref('int_whole_tiles'), 'tiles', ref('stg_touched_days')) }}
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
        measured.nap_minutes,
        measured.exercise_minutes,
        measured.exercise_load,
        measured.steps,
        measured.work_minutes,
        measured.screen_minutes,
        measured.meditation_minutes,
        measured.meals,
        measured.caffeine_mg,
        measured.alcohol_g,
        measured.social_events,
        measured.energy_mean,
        measured.mood_mean,
        measured.stress_mean,
        measured.resting_heart_rate_bpm,
        measured.hrv_rmssd_ms,
        measured.weight_kg

    from user_days
    left join events
        on user_days.user_id = events.user_id and user_days.local_date = events.local_date
    left join measured
        on user_days.user_id = measured.user_id and user_days.local_date = measured.local_date

)

select * from days
