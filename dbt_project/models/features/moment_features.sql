-- Written by `aurora generate` from aurora/features/catalogue.py; do not edit.
-- sqlfluff:max_line_length:0
{{ config(
    materialized='incremental',
    incremental_strategy='replace_days',
    meta={'days': 'int_rebuilt_days'},
    indexes=[
        {'columns': ['user_id', 'local_date', 'as_of', 'precision'], 'unique': true},
        {'columns': ['user_id', 'as_of']},
    ],
    pre_hook="set local enable_mergejoin = off; set local work_mem = '64MB'",
    post_hook='{{ analyze_if_grown() }}',
) }}

with

moments as (

    select * from {{ ref('int_rebuilt_moments') }}

),

clock as (

    select * from {{ ref('int_clock_features') }}

),

sleep as (

    select * from {{ ref('int_sleep_features') }}

),

activity as (

    select * from {{ ref('int_activity_features') }}

),

intake as (

    select * from {{ ref('int_intake_features') }}

),

ratings as (

    select * from {{ ref('int_ratings_features') }}

),

moods as (

    select * from {{ ref('int_moods_features') }}

),

surroundings as (

    select * from {{ ref('int_surroundings_features') }}

),

features as (

    select
        moments.user_id,
        moments.local_date,
        moments.as_of,
        moments.precision,
        clock.hour_of_day,
        clock.day_of_week,
        clock.is_weekend,
        sleep.time_since_last_sleep,
        sleep.avg_sleep_last_7d,
        sleep.main_sleep_minutes_last_3d,
        sleep.sleep_debt_sum_7d,
        sleep.sleep_efficiency_last_3d,
        sleep.main_sleep_minutes_mean_28d,
        sleep.sleep_efficiency_mean_28d,
        sleep.energy_prior_three_process,
        activity.avg_exercise_last_7d,
        activity.exercise_minutes_daily_27d,
        activity.exercise_load_sum_yesterday,
        activity.exercise_load_sum_7d,
        activity.exercise_load_hours_since_7d,
        activity.work_minutes_sum_1d,
        activity.work_minutes_daily_27d,
        activity.work_minutes_hours_since_3d,
        activity.social_events_count_last_3d,
        activity.social_minutes_sum_1d,
        activity.social_minutes_daily_27d,
        activity.social_minutes_hours_since_3d,
        activity.social_minutes_faded_3d,
        activity.meditation_minutes_hours_since_2d,
        intake.time_since_last_meal,
        intake.caffeine_sum_1d,
        intake.caffeine_daily_27d,
        intake.caffeine_hours_since_3d,
        intake.caffeine_active_1d,
        intake.alcohol_sum_2d,
        intake.alcohol_sum_yesterday,
        ratings.energy_ewma_28d,
        ratings.energy_rolling_mean_7d,
        ratings.energy_rolling_std_7d,
        ratings.energy_mean_28d,
        ratings.energy_mean_2d,
        ratings.energy_last_28d,
        ratings.energy_daypart_mean_28d,
        moods.mood_trend_last_14d,
        moods.mood_ewma_28d,
        moods.mood_mean_28d,
        moods.mood_last_28d,
        moods.mood_daypart_mean_28d,
        moods.mood_very_negative_ewma_28d,
        moods.mood_negative_ewma_28d,
        moods.mood_neutral_ewma_28d,
        moods.mood_positive_ewma_28d,
        moods.mood_very_positive_ewma_28d,
        ratings.stress_mean_2d,
        ratings.stress_mean_28d,
        surroundings.cloud_cover_mean_1d,
        surroundings.daylight_minutes_last_2d

    from moments
    inner join clock using (moment_number)
    inner join sleep using (moment_number)
    inner join activity using (moment_number)
    inner join intake using (moment_number)
    inner join ratings using (moment_number)
    inner join moods using (moment_number)
    inner join surroundings using (moment_number)

)

select * from features
