-- Written by `aurora generate` from aurora/scores/catalogue.py; do not edit.
-- sqlfluff:max_line_length:0
{{ config(
    materialized='incremental',
    incremental_strategy='replace_days',
    meta={'days': 'int_rebuilt_days'},
    indexes=[{'columns': ['user_id', 'local_date'], 'unique': true}],
    post_hook='{{ analyze_if_grown() }}',
) }}

with

user_days as (

    select user_days.*
    from {{ ref('int_days') }} as user_days
    {{ only_days_of(ref('int_rebuilt_days'), 'user_days') }}

),

inputs as (

    select
        user_days.user_id,
        user_days.local_date,
        user_days.tz,
        greatest(user_days.day_started_at, active_minutes.known_at, told_days.known_at) as as_of,
        active_minutes.active_minutes_sum_7d,
        told_days.told_days_7d

    from user_days
    cross join lateral (
        select
            sum(total) filter (where days_ago between 0 and 6)::float8 / 1000::float8 as active_minutes_sum_7d,
            max(greatest(tiles.valid_from, nullif(tiles.valid_until, 'infinity'))) as known_at
        from (
            select
                days_tiles.*,
                case
                    when days_tiles.valid_until = 'infinity' then user_days.local_date - days_tiles.local_date
                end as days_ago
            from {{ ref('int_other_tiles') }} as days_tiles
            where
                days_tiles.user_id = user_days.user_id
                and days_tiles.measure = 'active_minutes'
                and {{ in_window('days_tiles', 'user_days.local_date', 6, 0) }}
        ) as tiles
    ) as active_minutes
    cross join lateral (
        select
            count(distinct tiles.local_date) filter (where tiles.valid_until = 'infinity')::float8 as told_days_7d,
            max(greatest(tiles.valid_from, nullif(tiles.valid_until, 'infinity'))) as known_at
        from {{ ref('int_whole_tiles') }} as tiles
        where
            tiles.user_id = user_days.user_id
            and {{ in_window('tiles', 'user_days.local_date', 6, 0) }}
            and tiles.measure in ('active_minutes', 'sleep_minutes', 'steps', 'resting_heart_rate', 'hrv', 'work_minutes', 'meals', 'hydration', 'caffeine', 'alcohol', 'medication_doses', 'social_events', 'meditation_minutes', 'mood', 'energy', 'stress')
    ) as told_days

),

points as (

    select
        *,
        active_minutes_sum_7d as active_minutes_value,
        case when active_minutes_sum_7d >= 150.0 then 100.0::float8 when active_minutes_sum_7d >= 120.0 then 90.0::float8 when active_minutes_sum_7d >= 90.0 then 80.0::float8 when active_minutes_sum_7d >= 60.0 then 60.0::float8 when active_minutes_sum_7d >= 30.0 then 40.0::float8 when active_minutes_sum_7d >= 0.001 then 20.0::float8 when active_minutes_sum_7d is not null then 0.0::float8 end as active_minutes_points

    from inputs

),

judged as (

    select
        *,
        case when greatest(coalesce(told_days_7d, 0)) < 4 and (num_nonnulls(active_minutes_value) < 1) then 'UNSCORABLE' when greatest(coalesce(told_days_7d, 0)) < 4 then 'CALIBRATING' when num_nonnulls(active_minutes_points) < 1 then 'UNSCORABLE' else 'SCORED' end as score_state,
        case when active_minutes_points is not null then 100.0::float8 else 0 end as known_weight

    from points

),

scores as (

    select
        user_id,
        local_date,
        case when score_state = 'SCORED' then least(greatest((coalesce(active_minutes_points * 100.0::float8, 0)) / known_weight, 0), 100) end as score,
        score_state,
        (case when active_minutes_points is not null then 100.0::float8 * coalesce((told_days_7d / nullif(7.0::float8, 0)), 0) else 0 end) / 100.0::float8 as coverage,
        jsonb_build_array(jsonb_build_object('name', 'active_minutes', 'value', active_minutes_value, 'unit', 'min', 'goal', '≥ 150', 'points', active_minutes_points, 'weight', 100.0::float8, 'contribution', active_minutes_points * 100.0::float8 / nullif(known_weight, 0))) as factors,
        2 as version,
        as_of,
        tz

    from judged

)

select * from scores
