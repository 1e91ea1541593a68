-- Written by `aurora generate` from aurora/scores/catalogue.py; do not edit.
-- sqlfluff:max_line_length:0
{{ config(
    materialized='incremental',
    incremental_strategy='replace_days',
    meta={'days': 'int_rebuilt_days'},
    indexes=[{'columns': ['user_id', 'local_date'], 'unique': true}],
    post_hook='analyze {{ this }}',
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
        greatest(user_days.day_started_at, exercise_moderate_minutes.known_at, exercise_vigorous_minutes.known_at, exercise_minutes.known_at) as as_of,
        exercise_moderate_minutes.exercise_moderate_minutes_sum_7d,
        exercise_vigorous_minutes.exercise_vigorous_minutes_sum_7d,
        exercise_minutes.exercise_minutes_sum_7d

    from user_days
    cross join lateral (
        select
            sum(total) filter (where days_ago between 0 and 6)::float8 / 1000::float8 as exercise_moderate_minutes_sum_7d,
            max(greatest(tiles.valid_from, nullif(tiles.valid_until, 'infinity'))) as known_at
        from (
            select
                days_tiles.*,
                case
                    when days_tiles.valid_until = 'infinity' then user_days.local_date - days_tiles.local_date
                end as days_ago
            from {{ ref('int_tiles') }} as days_tiles
            where
                days_tiles.user_id = user_days.user_id
                and days_tiles.measure = 'exercise_moderate_minutes'
                and days_tiles.local_date between user_days.local_date - 6 and user_days.local_date
        ) as tiles
    ) as exercise_moderate_minutes
    cross join lateral (
        select
            sum(total) filter (where days_ago between 0 and 6)::float8 / 1000::float8 as exercise_vigorous_minutes_sum_7d,
            max(greatest(tiles.valid_from, nullif(tiles.valid_until, 'infinity'))) as known_at
        from (
            select
                days_tiles.*,
                case
                    when days_tiles.valid_until = 'infinity' then user_days.local_date - days_tiles.local_date
                end as days_ago
            from {{ ref('int_tiles') }} as days_tiles
            where
                days_tiles.user_id = user_days.user_id
                and days_tiles.measure = 'exercise_vigorous_minutes'
                and days_tiles.local_date between user_days.local_date - 6 and user_days.local_date
        ) as tiles
    ) as exercise_vigorous_minutes
    cross join lateral (
        select
            sum(total) filter (where days_ago between 0 and 6)::float8 / 1000::float8 as exercise_minutes_sum_7d,
            max(greatest(tiles.valid_from, nullif(tiles.valid_until, 'infinity'))) as known_at
        from (
            select
                days_tiles.*,
                case
                    when days_tiles.valid_until = 'infinity' then user_days.local_date - days_tiles.local_date
                end as days_ago
            from {{ ref('int_tiles') }} as days_tiles
            where
                days_tiles.user_id = user_days.user_id
                and days_tiles.measure = 'exercise_minutes'
                and days_tiles.local_date between user_days.local_date - 6 and user_days.local_date
        ) as tiles
    ) as exercise_minutes

),

points as (

    select
        *,
        coalesce((exercise_moderate_minutes_sum_7d + (2.0::float8 * exercise_vigorous_minutes_sum_7d)), exercise_moderate_minutes_sum_7d, (2.0::float8 * exercise_vigorous_minutes_sum_7d), exercise_minutes_sum_7d) as active_minutes_value,
        case when coalesce((exercise_moderate_minutes_sum_7d + (2.0::float8 * exercise_vigorous_minutes_sum_7d)), exercise_moderate_minutes_sum_7d, (2.0::float8 * exercise_vigorous_minutes_sum_7d), exercise_minutes_sum_7d) >= 150.0 then 100.0::float8 when coalesce((exercise_moderate_minutes_sum_7d + (2.0::float8 * exercise_vigorous_minutes_sum_7d)), exercise_moderate_minutes_sum_7d, (2.0::float8 * exercise_vigorous_minutes_sum_7d), exercise_minutes_sum_7d) >= 120.0 then 90.0::float8 when coalesce((exercise_moderate_minutes_sum_7d + (2.0::float8 * exercise_vigorous_minutes_sum_7d)), exercise_moderate_minutes_sum_7d, (2.0::float8 * exercise_vigorous_minutes_sum_7d), exercise_minutes_sum_7d) >= 90.0 then 80.0::float8 when coalesce((exercise_moderate_minutes_sum_7d + (2.0::float8 * exercise_vigorous_minutes_sum_7d)), exercise_moderate_minutes_sum_7d, (2.0::float8 * exercise_vigorous_minutes_sum_7d), exercise_minutes_sum_7d) >= 60.0 then 60.0::float8 when coalesce((exercise_moderate_minutes_sum_7d + (2.0::float8 * exercise_vigorous_minutes_sum_7d)), exercise_moderate_minutes_sum_7d, (2.0::float8 * exercise_vigorous_minutes_sum_7d), exercise_minutes_sum_7d) >= 30.0 then 40.0::float8 when coalesce((exercise_moderate_minutes_sum_7d + (2.0::float8 * exercise_vigorous_minutes_sum_7d)), exercise_moderate_minutes_sum_7d, (2.0::float8 * exercise_vigorous_minutes_sum_7d), exercise_minutes_sum_7d) >= 0.001 then 20.0::float8 when coalesce((exercise_moderate_minutes_sum_7d + (2.0::float8 * exercise_vigorous_minutes_sum_7d)), exercise_moderate_minutes_sum_7d, (2.0::float8 * exercise_vigorous_minutes_sum_7d), exercise_minutes_sum_7d) is not null then 0.0::float8 end as active_minutes_points

    from inputs

),

judged as (

    select
        *,
        case when num_nonnulls(active_minutes_points) < 1 then 'UNSCORABLE' else 'SCORED' end as score_state,
        case when active_minutes_points is not null then 100.0::float8 else 0 end as known_weight

    from points

),

scores as (

    select
        user_id,
        local_date,
        case when score_state = 'SCORED' then least(greatest((coalesce(active_minutes_points * 100.0::float8, 0)) / known_weight, 0), 100) end as score,
        score_state,
        known_weight / 100.0::float8 as coverage,
        jsonb_build_array(jsonb_build_object('name', 'active_minutes', 'value', active_minutes_value, 'unit', 'min', 'goal', '≥ 150', 'points', active_minutes_points, 'weight', 100.0::float8, 'contribution', active_minutes_points * 100.0::float8 / nullif(known_weight, 0))) as factors,
        1 as version,
        as_of,
        tz

    from judged

)

select * from scores
