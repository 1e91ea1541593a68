-- Written by `aurora generate` from aurora/features/catalogue.py; do not edit.
-- sqlfluff:max_line_length:0
{{ config(materialized='view') }}

with

clock as (

    select * from {{ ref('moment_clock_features') }}

),

sleep as (

    select * from {{ ref('moment_sleep_features') }}

),

activity as (

    select * from {{ ref('moment_activity_features') }}

),

ratings as (

    select * from {{ ref('moment_ratings_features') }}

),

moods as (

    select * from {{ ref('moment_moods_features') }}

),

intake as (

    select * from {{ ref('moment_intake_features') }}

),

surroundings as (

    select * from {{ ref('moment_surroundings_features') }}

),

vectors as (

    select
        clock.user_id,
        clock.local_date,
        clock.as_of,
        clock.precision,
        clock.hour_of_day,
        clock.day_of_week,
        clock.is_weekend,
        sleep.time_since_last_sleep,
        sleep.avg_sleep_last_7d,
        activity.avg_exercise_last_7d,
        activity.social_events_count_last_3d,
        ratings.energy_rolling_mean_7d,
        moods.mood_trend_last_14d,
        sleep.main_sleep_minutes_last_3d,
        sleep.sleep_efficiency_last_3d,
        activity.work_minutes_sum_1d,
        activity.social_minutes_faded_3d,
        intake.caffeine_active_1d,
        activity.exercise_load_hours_since_7d,
        moods.mood_ewma_28d,
        moods.mood_mean_28d,
        activity.social_minutes_sum_1d,
        activity.work_minutes_hours_since_3d,
        activity.meditation_minutes_hours_since_2d,
        intake.alcohol_sum_yesterday,
        ratings.stress_mean_28d,
        surroundings.cloud_cover_mean_1d,
        moods.mood_very_negative_ewma_28d,
        moods.mood_negative_ewma_28d,
        moods.mood_neutral_ewma_28d,
        moods.mood_positive_ewma_28d,
        moods.mood_very_positive_ewma_28d,
        sleep.main_sleep_minutes_mean_28d,
        sleep.sleep_efficiency_mean_28d,
        activity.work_minutes_daily_27d,
        intake.caffeine_daily_27d,
        activity.exercise_minutes_daily_27d,
        activity.social_minutes_daily_27d

    from clock
    inner join sleep using (user_id, local_date, as_of, precision)
    inner join activity using (user_id, local_date, as_of, precision)
    inner join ratings using (user_id, local_date, as_of, precision)
    inner join moods using (user_id, local_date, as_of, precision)
    inner join intake using (user_id, local_date, as_of, precision)
    inner join surroundings using (user_id, local_date, as_of, precision)

)

select * from vectors
