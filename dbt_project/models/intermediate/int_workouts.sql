{{ config(
    materialized='incremental',
    incremental_strategy='replace_days',
    meta={'days': 'stg_touched_days'},
    indexes=[
        {'columns': ['user_id', 'local_date']},
        {'columns': ['user_id', 'event_id'], 'unique': true},
    ],
    post_hook='{{ analyze_if_grown() }}',
) }}

with

workouts as (

    select
        exercise.user_id,
        exercise.event_id,
        exercise.local_date,
        exercise.tz,
        exercise.started_at,
        exercise.ended_at,
        exercise.local_started_at,
        exercise.kind,
        coalesce(
            exercise.duration_minutes, extract(epoch from exercise.ended_at - exercise.started_at)::float8 / 60
        ) as duration_minutes,
        exercise.moderate_minutes,
        exercise.vigorous_minutes,
        exercise.load,
        exercise.energy_kcal,
        exercise.distance_m,
        exercise.source_name,
        exercise.modality

    from {{ rows_of_days(ref('stg_events__exercise'), 'exercise', ref('stg_touched_days'), of_log=true) }}
    left join {{ ref('int_outranked_events') }} as outranked
        on exercise.user_id = outranked.user_id and exercise.event_id = outranked.event_id
    where
        exercise.alive_until = 'infinity'
        and not exercise.is_deleted
        and outranked.event_id is null

)

select * from workouts
