-- Written by `aurora generate` from aurora/features/catalogue.py; do not edit.
-- sqlfluff:max_line_length:0
{# Of half a million days Postgres expects a tenth: in less memory it writes them all to disk and reads them again. #}
{{ config(
    materialized='incremental',
    incremental_strategy='replace_days',
    meta={'days': 'stg_touched_days'},
    indexes=[{'columns': ['user_id', 'local_date'], 'unique': true}],
    pre_hook="set local work_mem = '64MB'",
    post_hook='{{ analyze_if_grown() }}',
) }}

with

tiles as (

    select
        tiles.user_id,
        tiles.local_date,
        tiles.measure,
        case when tiles.valid_until < 'infinity' then tiles.valid_until else tiles.valid_from end as changed_at

    from {{ rows_of_days(ref('int_whole_tiles'), 'tiles', ref('stg_touched_days')) }}

),

changes as (

    select
        user_id,
        local_date,
        max(changed_at) filter (where measure in ('main_sleep_minutes', 'sleep_minutes', 'sleep_efficiency')) as sleep_changed_at,
        max(changed_at) filter (where measure in ('exercise_minutes', 'exercise_load', 'work_minutes', 'social_events', 'social_minutes', 'meditation_minutes')) as activity_changed_at,
        max(changed_at) filter (where measure in ('meals', 'caffeine', 'alcohol')) as intake_changed_at,
        max(changed_at) filter (where measure in ('energy', 'stress')) as ratings_changed_at,
        max(changed_at) filter (where measure in ('mood')) as moods_changed_at,
        max(changed_at) filter (where measure in ('daylight_minutes')) as surroundings_changed_at

    from tiles
    group by user_id, local_date

)

select * from changes
