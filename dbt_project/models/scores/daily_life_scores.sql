-- Written by `aurora generate` from aurora/scores/catalogue.py; do not edit.
-- sqlfluff:max_line_length:0
{{ config(
    materialized='incremental',
    incremental_strategy='replace_days',
    meta={'days': 'int_rescored_days'},
    indexes=[{'columns': ['user_id', 'local_date'], 'unique': true}],
    post_hook='{{ analyze_if_grown() }}',
) }}

with

user_days as (

    select user_days.*
    from {{ ref('int_days') }} as user_days
    {{ only_days_of(ref('int_rescored_days'), 'user_days') }}

),

parts as (

    select
        part_scores.user_id,
        part_scores.local_date,
        max(part_scores.as_of) as known_at,
        max(part_scores.score) filter (where part_scores.score_name = 'sleep') as sleep_score,
        max(part_scores.score) filter (where part_scores.score_name = 'sleep_regularity') as sleep_regularity_score,
        max(part_scores.score) filter (where part_scores.score_name = 'activity') as activity_score,
        max(part_scores.score) filter (where part_scores.score_name = 'recovery') as recovery_score,
        max(part_scores.score) filter (where part_scores.score_name = 'mood') as mood_score,
        max(part_scores.score) filter (where part_scores.score_name = 'energy') as energy_score,
        max(part_scores.score) filter (where part_scores.score_name = 'work_balance') as work_balance_score,
        max(part_scores.score) filter (where part_scores.score_name = 'social') as social_score

    from {{ ref('daily_part_scores') }} as part_scores
    {{ only_days_of(ref('int_rescored_days'), 'part_scores') }}
    group by part_scores.user_id, part_scores.local_date

),

inputs as (

    select
        user_days.user_id,
        user_days.local_date,
        user_days.tz,
        greatest(user_days.day_started_at, parts.known_at, scored_days.known_at) as as_of,
        parts.sleep_score,
        parts.sleep_regularity_score,
        parts.activity_score,
        parts.recovery_score,
        parts.mood_score,
        parts.energy_score,
        parts.work_balance_score,
        parts.social_score,
        scored_days.scored_days_28d

    from user_days
    left join parts
        on user_days.user_id = parts.user_id and user_days.local_date = parts.local_date
    cross join lateral (
        select
            count(distinct local_date) filter (where score_state = 'SCORED')::float8 as scored_days_28d,
            max(as_of) as known_at
        from {{ ref('daily_part_scores') }}
        where
            user_id = user_days.user_id
            and local_date between user_days.local_date - 27 and user_days.local_date
    ) as scored_days

),

points as (

    select
        *,
        sleep_score as sleep_value,
        sleep_score as sleep_points,
        sleep_regularity_score as sleep_regularity_value,
        sleep_regularity_score as sleep_regularity_points,
        activity_score as activity_value,
        activity_score as activity_points,
        recovery_score as recovery_value,
        recovery_score as recovery_points,
        mood_score as mood_value,
        mood_score as mood_points,
        energy_score as energy_value,
        energy_score as energy_points,
        work_balance_score as work_balance_value,
        work_balance_score as work_balance_points,
        social_score as social_value,
        social_score as social_points

    from inputs

),

judged as (

    select
        *,
        case when greatest(coalesce(scored_days_28d, 0)) < 14 and (num_nonnulls(sleep_value, sleep_regularity_value, activity_value, recovery_value, mood_value, energy_value, work_balance_value, social_value) < 3) then 'UNSCORABLE' when greatest(coalesce(scored_days_28d, 0)) < 14 then 'CALIBRATING' when num_nonnulls(sleep_points, sleep_regularity_points, activity_points, recovery_points, mood_points, energy_points, work_balance_points, social_points) < 3 then 'UNSCORABLE' else 'SCORED' end as score_state,
        case when sleep_points is not null then 12.5::float8 else 0 end + case when sleep_regularity_points is not null then 12.5::float8 else 0 end + case when activity_points is not null then 12.5::float8 else 0 end + case when recovery_points is not null then 12.5::float8 else 0 end + case when mood_points is not null then 12.5::float8 else 0 end + case when energy_points is not null then 12.5::float8 else 0 end + case when work_balance_points is not null then 12.5::float8 else 0 end + case when social_points is not null then 12.5::float8 else 0 end as known_weight

    from points

),

scores as (

    select
        user_id,
        local_date,
        case when score_state = 'SCORED' then least(greatest((coalesce(sleep_points * 12.5::float8, 0) + coalesce(sleep_regularity_points * 12.5::float8, 0) + coalesce(activity_points * 12.5::float8, 0) + coalesce(recovery_points * 12.5::float8, 0) + coalesce(mood_points * 12.5::float8, 0) + coalesce(energy_points * 12.5::float8, 0) + coalesce(work_balance_points * 12.5::float8, 0) + coalesce(social_points * 12.5::float8, 0)) / known_weight, 0), 100) end as score,
        score_state,
        known_weight / 100.0::float8 as coverage,
        jsonb_build_array(jsonb_build_object('name', 'sleep', 'value', sleep_value, 'unit', 'points', 'goal', '→ 100', 'points', sleep_points, 'weight', 12.5::float8, 'contribution', sleep_points * 12.5::float8 / nullif(known_weight, 0)), jsonb_build_object('name', 'sleep_regularity', 'value', sleep_regularity_value, 'unit', 'points', 'goal', '→ 100', 'points', sleep_regularity_points, 'weight', 12.5::float8, 'contribution', sleep_regularity_points * 12.5::float8 / nullif(known_weight, 0)), jsonb_build_object('name', 'activity', 'value', activity_value, 'unit', 'points', 'goal', '→ 100', 'points', activity_points, 'weight', 12.5::float8, 'contribution', activity_points * 12.5::float8 / nullif(known_weight, 0)), jsonb_build_object('name', 'recovery', 'value', recovery_value, 'unit', 'points', 'goal', '→ 100', 'points', recovery_points, 'weight', 12.5::float8, 'contribution', recovery_points * 12.5::float8 / nullif(known_weight, 0)), jsonb_build_object('name', 'mood', 'value', mood_value, 'unit', 'points', 'goal', '→ 100', 'points', mood_points, 'weight', 12.5::float8, 'contribution', mood_points * 12.5::float8 / nullif(known_weight, 0)), jsonb_build_object('name', 'energy', 'value', energy_value, 'unit', 'points', 'goal', '→ 100', 'points', energy_points, 'weight', 12.5::float8, 'contribution', energy_points * 12.5::float8 / nullif(known_weight, 0)), jsonb_build_object('name', 'work_balance', 'value', work_balance_value, 'unit', 'points', 'goal', '→ 100', 'points', work_balance_points, 'weight', 12.5::float8, 'contribution', work_balance_points * 12.5::float8 / nullif(known_weight, 0)), jsonb_build_object('name', 'social', 'value', social_value, 'unit', 'points', 'goal', '→ 100', 'points', social_points, 'weight', 12.5::float8, 'contribution', social_points * 12.5::float8 / nullif(known_weight, 0))) as factors,
        2 as version,
        as_of,
        tz

    from judged

)

select * from scores
