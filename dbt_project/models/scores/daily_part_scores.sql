-- Written by `aurora generate` from aurora/scores/catalogue.py; do not edit.
-- sqlfluff:max_line_length:0
{{ config(materialized='view') }}

with

scores as (

    select
        user_id,
        local_date,
        'sleep' as score_name,
        score,
        score_state,
        coverage,
        factors,
        version,
        as_of,
        tz

    from {{ ref('daily_sleep_scores') }}

    union all

    select
        user_id,
        local_date,
        'sleep_regularity' as score_name,
        score,
        score_state,
        coverage,
        factors,
        version,
        as_of,
        tz

    from {{ ref('daily_sleep_regularity_scores') }}

    union all

    select
        user_id,
        local_date,
        'activity' as score_name,
        score,
        score_state,
        coverage,
        factors,
        version,
        as_of,
        tz

    from {{ ref('daily_activity_scores') }}

    union all

    select
        user_id,
        local_date,
        'recovery' as score_name,
        score,
        score_state,
        coverage,
        factors,
        version,
        as_of,
        tz

    from {{ ref('daily_recovery_scores') }}

    union all

    select
        user_id,
        local_date,
        'mood' as score_name,
        score,
        score_state,
        coverage,
        factors,
        version,
        as_of,
        tz

    from {{ ref('daily_mood_scores') }}

    union all

    select
        user_id,
        local_date,
        'energy' as score_name,
        score,
        score_state,
        coverage,
        factors,
        version,
        as_of,
        tz

    from {{ ref('daily_energy_scores') }}

    union all

    select
        user_id,
        local_date,
        'work_balance' as score_name,
        score,
        score_state,
        coverage,
        factors,
        version,
        as_of,
        tz

    from {{ ref('daily_work_balance_scores') }}

    union all

    select
        user_id,
        local_date,
        'social' as score_name,
        score,
        score_state,
        coverage,
        factors,
        version,
        as_of,
        tz

    from {{ ref('daily_social_scores') }}

)

select * from scores
