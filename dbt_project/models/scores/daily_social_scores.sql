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
        greatest(user_days.day_started_at, social_minutes.known_at) as as_of,
        social_minutes.social_minutes_sum_1d,
        social_minutes_rank.social_minutes_rank_27d,
        social_minutes.social_minutes_days_27d_lag_1

    from user_days
    cross join lateral (
        select
            sum(total) filter (where days_ago between 0 and 0)::float8 / 1000::float8 as social_minutes_sum_1d,
            nullif(count(n) filter (where days_ago between 1 and 27), 0)::float8 as social_minutes_days_27d_lag_1,
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
                and days_tiles.measure = 'social_minutes'
                and {{ in_window('days_tiles', 'user_days.local_date', 27, 0) }}
        ) as tiles
    ) as social_minutes
    cross join lateral (
        select
            100 * (count(*) filter (where earlier.total < today.total) + count(*) filter (where earlier.total = today.total) / 2.0::float8) / nullif(count(earlier.total), 0) as social_minutes_rank_27d
        from {{ ref('int_other_tiles') }} as today
        left join {{ ref('int_other_tiles') }} as earlier
            on
                today.user_id = earlier.user_id
                and today.measure = earlier.measure
                and {{ in_window('earlier', 'user_days.local_date', 27, 1) }}
                and earlier.valid_until = 'infinity'
        where
            today.user_id = user_days.user_id
            and today.local_date = user_days.local_date
            and today.measure = 'social_minutes'
            and today.valid_until = 'infinity'
    ) as social_minutes_rank

),

points as (

    select
        *,
        social_minutes_sum_1d as company_value,
        social_minutes_rank_27d as company_points

    from inputs

),

judged as (

    select
        *,
        case when greatest(coalesce(social_minutes_days_27d_lag_1, 0)) < 10 and (num_nonnulls(company_value) < 1) then 'UNSCORABLE' when greatest(coalesce(social_minutes_days_27d_lag_1, 0)) < 10 then 'CALIBRATING' when num_nonnulls(company_points) < 1 then 'UNSCORABLE' else 'SCORED' end as score_state,
        case when company_points is not null then 100.0::float8 else 0 end as known_weight

    from points

),

scores as (

    select
        user_id,
        local_date,
        case when score_state = 'SCORED' then least(greatest((coalesce(company_points * 100.0::float8, 0)) / known_weight, 0), 100) end as score,
        score_state,
        known_weight / 100.0::float8 as coverage,
        jsonb_build_array(jsonb_build_object('name', 'company', 'value', company_value, 'unit', 'min', 'goal', 'more than your usual day with company', 'points', company_points, 'weight', 100.0::float8, 'contribution', company_points * 100.0::float8 / nullif(known_weight, 0))) as factors,
        1 as version,
        as_of,
        tz

    from judged

)

select * from scores
