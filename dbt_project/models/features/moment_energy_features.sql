-- Written by `aurora generate` from aurora/features/catalogue.py; do not edit.
-- sqlfluff:max_line_length:0
{{ config(materialized='view') }}

with

vectors as (

    select
        user_id,
        local_date,
        as_of,
        precision,
        hour_of_day,
        day_of_week,
        is_weekend,
        time_since_last_sleep,
        avg_sleep_last_7d,
        avg_exercise_last_7d,
        social_events_count_last_3d,
        energy_rolling_mean_7d,
        mood_trend_last_14d,
        main_sleep_minutes_last_3d,
        sleep_efficiency_last_3d,
        work_minutes_sum_1d,
        social_minutes_faded_3d,
        caffeine_active_1d,
        exercise_load_hours_since_7d,
        time_since_last_meal,
        energy_rolling_std_7d,
        energy_ewma_28d,
        energy_mean_28d,
        energy_mean_2d,
        energy_daypart_mean_28d,
        energy_prior_three_process,
        exercise_load_sum_yesterday,
        caffeine_hours_since_3d,
        alcohol_sum_2d,
        main_sleep_minutes_mean_28d,
        sleep_efficiency_mean_28d,
        work_minutes_daily_27d,
        caffeine_daily_27d,
        exercise_minutes_daily_27d

    from {{ ref('moment_features') }}

)

select * from vectors
