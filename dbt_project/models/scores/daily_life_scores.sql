-- Written by `aurora generate` from aurora/scores/catalogue.py; do not edit.
-- sqlfluff:max_line_length:0
{{ config(
    materialized='incremental',
    incremental_strategy='replace_days',
    meta={'days': 'int_rescored_days'},
    indexes=[{'columns': ['user_id', 'local_date'], 'unique': true}],
    post_hook='analyze {{ this }}',
) }}

with

user_days as (

    select user_days.*
    from {{ ref('int_days') }} as user_days
    {{ only_days_of(ref('int_rescored_days'), 'user_days') }}

),

inputs as (

    select
        user_days.user_id,
        user_days.local_date,
        user_days.tz,
        greatest(user_days.day_started_at, sleep.as_of, activity.as_of, mood.as_of, energy.as_of) as as_of,
        sleep.score as sleep_score,
        activity.score as activity_score,
        mood.score as mood_score,
        energy.score as energy_score,
        scored_days.scored_days_28d

    from user_days
    left join {{ ref('daily_sleep_scores') }} as sleep
        on user_days.user_id = sleep.user_id and user_days.local_date = sleep.local_date
    left join {{ ref('daily_activity_scores') }} as activity
        on user_days.user_id = activity.user_id and user_days.local_date = activity.local_date
    left join {{ ref('daily_mood_scores') }} as mood
        on user_days.user_id = mood.user_id and user_days.local_date = mood.local_date
    left join {{ ref('daily_energy_scores') }} as energy
        on user_days.user_id = energy.user_id and user_days.local_date = energy.local_date
    cross join lateral (
        select count(*)::float8 as scored_days_28d
        from (
            select sleep.local_date from {{ ref('daily_sleep_scores') }} as sleep
            where
                sleep.user_id = user_days.user_id
                and sleep.local_date between user_days.local_date - 27 and user_days.local_date
                and sleep.score_state = 'SCORED'
            union
            select activity.local_date from {{ ref('daily_activity_scores') }} as activity
            where
                activity.user_id = user_days.user_id
                and activity.local_date between user_days.local_date - 27 and user_days.local_date
                and activity.score_state = 'SCORED'
            union
            select mood.local_date from {{ ref('daily_mood_scores') }} as mood
            where
                mood.user_id = user_days.user_id
                and mood.local_date between user_days.local_date - 27 and user_days.local_date
                and mood.score_state = 'SCORED'
            union
            select energy.local_date from {{ ref('daily_energy_scores') }} as energy
            where
                energy.user_id = user_days.user_id
                and energy.local_date between user_days.local_date - 27 and user_days.local_date
                and energy.score_state = 'SCORED'
        ) as days_of_parts
    ) as scored_days

),

points as (

    select
        *,
        sleep_score as sleep_value,
        sleep_score as sleep_points,
        activity_score as activity_value,
        activity_score as activity_points,
        mood_score as mood_value,
        mood_score as mood_points,
        energy_score as energy_value,
        energy_score as energy_points

    from inputs

),

judged as (

    select
        *,
        case when num_nonnulls(sleep_points, activity_points, mood_points, energy_points) < 2 then 'UNSCORABLE' when coalesce(scored_days_28d, 0) < 14 then 'CALIBRATING' else 'SCORED' end as score_state,
        case when sleep_points is not null then 25.0::float8 else 0 end + case when activity_points is not null then 25.0::float8 else 0 end + case when mood_points is not null then 25.0::float8 else 0 end + case when energy_points is not null then 25.0::float8 else 0 end as known_weight

    from points

),

scores as (

    select
        user_id,
        local_date,
        case when score_state = 'SCORED' then least(greatest((coalesce(sleep_points * 25.0::float8, 0) + coalesce(activity_points * 25.0::float8, 0) + coalesce(mood_points * 25.0::float8, 0) + coalesce(energy_points * 25.0::float8, 0)) / known_weight, 0), 100) end as score,
        score_state,
        known_weight / 100.0::float8 as coverage,
        jsonb_build_array(jsonb_build_object('name', 'sleep', 'value', sleep_value, 'unit', 'points', 'goal', '→ 100', 'points', sleep_points, 'weight', 25.0::float8, 'contribution', sleep_points * 25.0::float8 / nullif(known_weight, 0)), jsonb_build_object('name', 'activity', 'value', activity_value, 'unit', 'points', 'goal', '→ 100', 'points', activity_points, 'weight', 25.0::float8, 'contribution', activity_points * 25.0::float8 / nullif(known_weight, 0)), jsonb_build_object('name', 'mood', 'value', mood_value, 'unit', 'points', 'goal', '→ 100', 'points', mood_points, 'weight', 25.0::float8, 'contribution', mood_points * 25.0::float8 / nullif(known_weight, 0)), jsonb_build_object('name', 'energy', 'value', energy_value, 'unit', 'points', 'goal', '→ 100', 'points', energy_points, 'weight', 25.0::float8, 'contribution', energy_points * 25.0::float8 / nullif(known_weight, 0))) as factors,
        1 as version,
        as_of,
        tz

    from judged

)

select * from scores
