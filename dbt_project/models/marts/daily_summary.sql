with

days as (

    select * from {{ ref('int_days') }}
    where {{ has_happened('day_started_at') }}

),

nights as (

    select * from {{ ref('int_nights') }}

),

sleep as (

    select * from {{ ref('daily_sleep_scores') }}

),

sleep_regularity as (

    select * from {{ ref('daily_sleep_regularity_scores') }}

),

activity as (

    select * from {{ ref('daily_activity_scores') }}

),

recovery as (

    select * from {{ ref('daily_recovery_scores') }}

),

mood as (

    select * from {{ ref('daily_mood_scores') }}

),

energy as (

    select * from {{ ref('daily_energy_scores') }}

),

work_balance as (

    select * from {{ ref('daily_work_balance_scores') }}

),

social as (

    select * from {{ ref('daily_social_scores') }}

),

life as (

    select * from {{ ref('daily_life_scores') }}

),

summary as (

    select
        days.user_id,
        days.local_date,
        days.tz,
        days.events,
        nights.asleep_minutes as sleep_minutes,
        nights.efficiency_percent as sleep_efficiency_percent,
        days.nap_minutes,
        days.exercise_minutes,
        days.exercise_load,
        days.steps,
        days.work_minutes,
        days.screen_minutes,
        days.meditation_minutes,
        days.meals,
        days.caffeine_mg,
        days.alcohol_g,
        days.social_events,
        days.energy_mean,
        days.mood_mean,
        days.stress_mean,
        days.resting_heart_rate_bpm,
        days.hrv_rmssd_ms,
        days.weight_kg,
        sleep.score as sleep_score,
        sleep_regularity.score as sleep_regularity_score,
        activity.score as activity_score,
        recovery.score as recovery_score,
        mood.score as mood_score,
        energy.score as energy_score,
        work_balance.score as work_balance_score,
        social.score as social_score,
        life.score as life_score,
        life.score_state as life_score_state

    from days
    left join nights on days.user_id = nights.user_id and days.local_date = nights.local_date
    left join sleep on days.user_id = sleep.user_id and days.local_date = sleep.local_date
    left join sleep_regularity
        on days.user_id = sleep_regularity.user_id and days.local_date = sleep_regularity.local_date
    left join activity on days.user_id = activity.user_id and days.local_date = activity.local_date
    left join recovery on days.user_id = recovery.user_id and days.local_date = recovery.local_date
    left join mood on days.user_id = mood.user_id and days.local_date = mood.local_date
    left join energy on days.user_id = energy.user_id and days.local_date = energy.local_date
    left join work_balance
        on days.user_id = work_balance.user_id and days.local_date = work_balance.local_date
    left join social on days.user_id = social.user_id and days.local_date = social.local_date
    left join life on days.user_id = life.user_id and days.local_date = life.local_date

)

select * from summary
