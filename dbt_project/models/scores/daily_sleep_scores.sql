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
        greatest(user_days.day_started_at, main_sleep_minutes.known_at) as as_of,
        nights.asleep_minutes,
        nights.deep_minutes,
        nights.rem_minutes,
        nights.awake_minutes,
        nights.bedtime_deviation_minutes

    from user_days
    cross join lateral (
        select
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
                and days_tiles.measure = 'main_sleep_minutes'
                and {{ in_window('days_tiles', 'user_days.local_date', 14, 0) }}
        ) as tiles
    ) as main_sleep_minutes
    left join {{ ref('int_nights') }} as nights
        on user_days.user_id = nights.user_id and user_days.local_date = nights.local_date

),

points as (

    select
        *,
        asleep_minutes as duration_value,
        case when asleep_minutes <= 210.0 then 0.0::float8 when asleep_minutes <= 270.0 then 0.0::float8 + (asleep_minutes - 210.0) * 0.3333333333333333::float8 when asleep_minutes <= 330.0 then 20.0::float8 + (asleep_minutes - 270.0) * 0.3333333333333333::float8 when asleep_minutes <= 390.0 then 40.0::float8 + (asleep_minutes - 330.0) * 0.5::float8 when asleep_minutes <= 420.0 then 70.0::float8 + (asleep_minutes - 390.0) * 1.0::float8 when asleep_minutes <= 540.0 then 100.0::float8 + (asleep_minutes - 420.0) * 0.0::float8 when asleep_minutes <= 570.0 then 100.0::float8 + (asleep_minutes - 540.0) * -0.3333333333333333::float8 when asleep_minutes <= 630.0 then 90.0::float8 + (asleep_minutes - 570.0) * -0.8333333333333334::float8 when asleep_minutes is not null then 40.0::float8 end as duration_points,
        deep_minutes as deep_sleep_value,
        case when deep_minutes <= 0.0 then 0.0::float8 when deep_minutes <= 90.0 then 0.0::float8 + (deep_minutes - 0.0) * 1.1111111111111112::float8 when deep_minutes is not null then 100.0::float8 end as deep_sleep_points,
        rem_minutes as rem_sleep_value,
        case when rem_minutes <= 0.0 then 0.0::float8 when rem_minutes <= 90.0 then 0.0::float8 + (rem_minutes - 0.0) * 1.1111111111111112::float8 when rem_minutes is not null then 100.0::float8 end as rem_sleep_points,
        bedtime_deviation_minutes as consistency_value,
        case when bedtime_deviation_minutes <= 30.0 then 100.0::float8 when bedtime_deviation_minutes <= 120.0 then 100.0::float8 + (bedtime_deviation_minutes - 30.0) * -1.1111111111111112::float8 when bedtime_deviation_minutes is not null then 0.0::float8 end as consistency_points,
        awake_minutes as interruptions_value,
        case when awake_minutes <= 20.0 then 100.0::float8 when awake_minutes <= 90.0 then 100.0::float8 + (awake_minutes - 20.0) * -1.4285714285714286::float8 when awake_minutes is not null then 0.0::float8 end as interruptions_points

    from inputs

),

judged as (

    select
        *,
        case when num_nonnulls(duration_points, deep_sleep_points, rem_sleep_points, consistency_points, interruptions_points) < 1 or num_nonnulls(duration_points) = 0 then 'UNSCORABLE' else 'SCORED' end as score_state,
        case when duration_points is not null then 40.0::float8 else 0 end + case when deep_sleep_points is not null then 10.0::float8 else 0 end + case when rem_sleep_points is not null then 10.0::float8 else 0 end + case when consistency_points is not null then 20.0::float8 else 0 end + case when interruptions_points is not null then 20.0::float8 else 0 end as known_weight

    from points

),

scores as (

    select
        user_id,
        local_date,
        case when score_state = 'SCORED' then least(greatest((coalesce(duration_points * 40.0::float8, 0) + coalesce(deep_sleep_points * 10.0::float8, 0) + coalesce(rem_sleep_points * 10.0::float8, 0) + coalesce(consistency_points * 20.0::float8, 0) + coalesce(interruptions_points * 20.0::float8, 0)) / known_weight, 0), 100) end as score,
        score_state,
        known_weight / 100.0::float8 as coverage,
        jsonb_build_array(jsonb_build_object('name', 'duration', 'value', duration_value, 'unit', 'min', 'goal', '420–540', 'points', duration_points, 'weight', 40.0::float8, 'contribution', duration_points * 40.0::float8 / nullif(known_weight, 0)), jsonb_build_object('name', 'deep_sleep', 'value', deep_sleep_value, 'unit', 'min', 'goal', '≥ 90', 'points', deep_sleep_points, 'weight', 10.0::float8, 'contribution', deep_sleep_points * 10.0::float8 / nullif(known_weight, 0)), jsonb_build_object('name', 'rem_sleep', 'value', rem_sleep_value, 'unit', 'min', 'goal', '≥ 90', 'points', rem_sleep_points, 'weight', 10.0::float8, 'contribution', rem_sleep_points * 10.0::float8 / nullif(known_weight, 0)), jsonb_build_object('name', 'consistency', 'value', consistency_value, 'unit', 'min', 'goal', '≤ 30', 'points', consistency_points, 'weight', 20.0::float8, 'contribution', consistency_points * 20.0::float8 / nullif(known_weight, 0)), jsonb_build_object('name', 'interruptions', 'value', interruptions_value, 'unit', 'min', 'goal', '≤ 20', 'points', interruptions_points, 'weight', 20.0::float8, 'contribution', interruptions_points * 20.0::float8 / nullif(known_weight, 0))) as factors,
        1 as version,
        as_of,
        tz

    from judged

)

select * from scores
