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
        exercise_minutes_daily_27d_lag_1 as exercise_minutes_daily_27d,
        exercise_load_sum_1d_lag_1 as exercise_load_sum_yesterday,
        exercise_load_sum_7d as exercise_load_sum_7d,
        exercise_load_hours_since_7d as exercise_load_hours_since_7d,
        work_minutes_sum_1d as work_minutes_sum_1d,
        work_minutes_daily_27d_lag_1 as work_minutes_daily_27d,
        work_minutes_hours_since_3d as work_minutes_hours_since_3d,
        coalesce(social_events_count_3d, 0.0::float8) as social_events_count_last_3d,
        social_minutes_sum_1d as social_minutes_sum_1d,
        social_minutes_daily_27d_lag_1 as social_minutes_daily_27d,
        social_minutes_hours_since_3d as social_minutes_hours_since_3d,
        ((1.0::float8 - exp((social_minutes_last_3d / nullif((-60.0::float8), 0)))) * exp((social_minutes_hours_since_3d / nullif((-6.0::float8), 0)))) as social_minutes_faded_3d,
        meditation_minutes_hours_since_2d as meditation_minutes_hours_since_2d

    from moments
    cross join lateral (
        select
            sum(total) filter (where days_ago between 0 and 6)::float8 / count(*) filter (where days_ago between 0 and 6)::float8 / 1000::float8 as exercise_minutes_daily_7d,
            sum(total) filter (where days_ago between 1 and 27)::float8 / count(*) filter (where days_ago between 1 and 27)::float8 / 1000::float8 as exercise_minutes_daily_27d_lag_1
        from {{ tiles_of_window('exercise_minutes', first_day=27) }}
    ) as exercise_minutes
    cross join lateral (
        select
            sum(total) filter (where days_ago between 1 and 1)::float8 / 1000::float8 as exercise_load_sum_1d_lag_1,
            sum(total) filter (where days_ago between 0 and 6)::float8 / 1000::float8 as exercise_load_sum_7d,
            extract(epoch from as_of - max(last_at) filter (where days_ago between 0 and 6))::float8 / 3600 as exercise_load_hours_since_7d
        from {{ tiles_of_window('exercise_load', first_day=6) }}
    ) as exercise_load
    cross join lateral (
        select
            sum(total) filter (where days_ago between 0 and 0)::float8 / 1000::float8 as work_minutes_sum_1d,
            sum(total) filter (where days_ago between 1 and 27)::float8 / count(*) filter (where days_ago between 1 and 27)::float8 / 1000::float8 as work_minutes_daily_27d_lag_1,
            extract(epoch from as_of - max(last_at) filter (where days_ago between 0 and 2))::float8 / 3600 as work_minutes_hours_since_3d
        from {{ tiles_of_window('work_minutes', first_day=27) }}
    ) as work_minutes
    cross join lateral (
        select sum(n) filter (where days_ago between 0 and 2)::float8 as social_events_count_3d from {{ tiles_of_window('social_events', first_day=2) }}
    ) as social_events
    cross join lateral (
        select
            sum(total) filter (where days_ago between 0 and 0)::float8 / 1000::float8 as social_minutes_sum_1d,
            sum(total) filter (where days_ago between 1 and 27)::float8 / count(*) filter (where days_ago between 1 and 27)::float8 / 1000::float8 as social_minutes_daily_27d_lag_1,
            extract(epoch from as_of - max(last_at) filter (where days_ago between 0 and 2))::float8 / 3600 as social_minutes_hours_since_3d,
            (max(array[-days_ago, last_value]) filter (where days_ago between 0 and 2))[2]::float8 / 1000::float8 as social_minutes_last_3d
        from {{ tiles_of_window('social_minutes', first_day=27) }}
    ) as social_minutes
    cross join lateral (
        select extract(epoch from as_of - max(last_at) filter (where days_ago between 0 and 1))::float8 / 3600 as meditation_minutes_hours_since_2d from {{ tiles_of_window('meditation_minutes', first_day=1) }}
    ) as meditation_minutes

)

select * from features
