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
        recent_nights.same_state_percent_mean_7d,
        recent_nights.same_state_percent_count_7d

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
                and {{ in_window('days_tiles', 'user_days.local_date', 7, 0) }}
        ) as tiles
    ) as main_sleep_minutes
    cross join lateral (
        select
            avg(same_state_percent order by local_date) filter (where local_date > user_days.local_date - 7)::float8 as same_state_percent_mean_7d,
            count(same_state_percent) filter (where local_date > user_days.local_date - 7)::float8 as same_state_percent_count_7d
        from {{ ref('int_nights') }}
        where
            user_id = user_days.user_id
            and local_date between user_days.local_date - 6 and user_days.local_date
    ) as recent_nights

),

points as (

    select
        *,
        case when same_state_percent_count_7d >= 4.0 and same_state_percent_count_7d < 8.0 then ((2.0::float8 * same_state_percent_mean_7d) - 100.0::float8) end as regularity_index_value,
        case when case when same_state_percent_count_7d >= 4.0 and same_state_percent_count_7d < 8.0 then ((2.0::float8 * same_state_percent_mean_7d) - 100.0::float8) end is not null then least(greatest(case when same_state_percent_count_7d >= 4.0 and same_state_percent_count_7d < 8.0 then ((2.0::float8 * same_state_percent_mean_7d) - 100.0::float8) end, 0.0::float8), 100.0::float8) end as regularity_index_points

    from inputs

),

judged as (

    select
        *,
        case when num_nonnulls(regularity_index_points) < 1 then 'UNSCORABLE' else 'SCORED' end as score_state,
        case when regularity_index_points is not null then 100.0::float8 else 0 end as known_weight

    from points

),

scores as (

    select
        user_id,
        local_date,
        case when score_state = 'SCORED' then least(greatest((coalesce(regularity_index_points * 100.0::float8, 0)) / known_weight, 0), 100) end as score,
        score_state,
        known_weight / 100.0::float8 as coverage,
        jsonb_build_array(jsonb_build_object('name', 'regularity_index', 'value', regularity_index_value, 'unit', 'SRI', 'goal', '→ 100', 'points', regularity_index_points, 'weight', 100.0::float8, 'contribution', regularity_index_points * 100.0::float8 / nullif(known_weight, 0))) as factors,
        2 as version,
        as_of,
        tz

    from judged

)

select * from scores
