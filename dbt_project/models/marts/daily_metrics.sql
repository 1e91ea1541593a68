-- Written by `aurora generate` from aurora/events/catalogue.py; do not edit.
-- sqlfluff:max_line_length:0
with

days as (

    select
        days.user_id,
        days.local_date,
        metric.metric_name,
        metric.value

    from {{ ref('int_days') }} as days
    cross join lateral (
        values
        ('nap_minutes', days.nap_minutes),
        ('exercise_minutes', days.exercise_minutes),
        ('exercise_load', days.exercise_load),
        ('steps', days.steps),
        ('work_minutes', days.work_minutes),
        ('screen_minutes', days.screen_minutes),
        ('meditation_minutes', days.meditation_minutes),
        ('meals', days.meals),
        ('caffeine_mg', days.caffeine_mg),
        ('alcohol_g', days.alcohol_g),
        ('social_events', days.social_events),
        ('energy_mean', days.energy_mean),
        ('mood_mean', days.mood_mean),
        ('stress_mean', days.stress_mean),
        ('resting_heart_rate_bpm', days.resting_heart_rate_bpm),
        ('hrv_rmssd_ms', days.hrv_rmssd_ms),
        ('weight_kg', days.weight_kg)
    ) as metric (metric_name, value)
    where {{ has_happened('days.day_started_at') }}

),

nights as (

    select
        nights.user_id,
        nights.local_date,
        metric.metric_name,
        metric.value

    from {{ ref('int_nights') }} as nights
    cross join lateral (
        values
        ('sleep_minutes', nights.asleep_minutes),
        ('sleep_efficiency_percent', nights.efficiency_percent)
    ) as metric (metric_name, value)
    where {{ has_happened('coalesce(nights.ended_at, nights.started_at)') }}

),

scores as (

    select
        user_id,
        local_date,
        score_name || '_score' as metric_name,
        score as value

    from {{ ref('scores') }}

),

metrics as (

    select * from days
    union all
    select * from nights
    union all
    select * from scores

)

select * from metrics
where value is not null
