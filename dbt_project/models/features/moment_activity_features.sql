-- Written by `aurora generate` from aurora/features/catalogue.py; do not edit.
-- sqlfluff:max_line_length:0
{{ feature_table() }}

with

moments as (

    select moments.*
    from {{ ref('int_moments') }} as moments
    {{ only_days_of(ref('int_rebuilt_days'), 'moments') }}

),

features as (

    select
        moments.user_id,
        moments.local_date,
        moments.as_of,
        moments.precision,
        exercise_minutes_daily_7d as avg_exercise_last_7d,
        exercise_load_sum_1d_lag_1 as exercise_load_sum_yesterday,
        exercise_load_sum_7d as exercise_load_sum_7d,
        work_minutes_sum_1d as work_minutes_sum_1d,
        coalesce(social_events_count_3d, 0.0::float8) as social_events_count_last_3d,
        social_minutes_sum_1d as social_minutes_sum_1d

    from moments
    cross join lateral (
        select sum(total) filter (where days_ago between 0 and 6)::float8 / count(*) filter (where days_ago between 0 and 6)::float8 / 1000::float8 as exercise_minutes_daily_7d from {{ tiles_of_window('exercise_minutes', first_day=6) }}
    ) as exercise_minutes
    cross join lateral (
        select
            sum(total) filter (where days_ago between 1 and 1)::float8 / 1000::float8 as exercise_load_sum_1d_lag_1,
            sum(total) filter (where days_ago between 0 and 6)::float8 / 1000::float8 as exercise_load_sum_7d
        from {{ tiles_of_window('exercise_load', first_day=6) }}
    ) as exercise_load
    cross join lateral (
        select sum(total) filter (where days_ago between 0 and 0)::float8 / 1000::float8 as work_minutes_sum_1d from {{ tiles_of_window('work_minutes', first_day=0) }}
    ) as work_minutes
    cross join lateral (
        select sum(n) filter (where days_ago between 0 and 2)::float8 as social_events_count_3d from {{ tiles_of_window('social_events', first_day=2) }}
    ) as social_events
    cross join lateral (
        select sum(total) filter (where days_ago between 0 and 0)::float8 / 1000::float8 as social_minutes_sum_1d from {{ tiles_of_window('social_minutes', first_day=0) }}
    ) as social_minutes

)

select * from features
