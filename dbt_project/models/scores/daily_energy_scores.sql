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
        greatest(user_days.day_started_at, energy.known_at) as as_of,
        energy.energy_mean_1d

    from user_days
    cross join lateral (
        select
            sum(total) filter (where days_ago between 0 and 0)::float8 / sum(n) filter (where days_ago between 0 and 0)::float8 / 1000::float8 as energy_mean_1d,
            max(greatest(tiles.valid_from, nullif(tiles.valid_until, 'infinity'))) as known_at
        from (
            select
                days_tiles.*,
                case
                    when days_tiles.valid_until = 'infinity' then user_days.local_date - days_tiles.local_date
                end as days_ago
            from {{ ref('int_rating_tiles') }} as days_tiles
            where
                days_tiles.user_id = user_days.user_id
                and days_tiles.measure = 'energy'
                and {{ in_window('days_tiles', 'user_days.local_date', 0, 0) }}
        ) as tiles
    ) as energy

),

points as (

    select
        *,
        energy_mean_1d as rating_value,
        case when (10.0::float8 * energy_mean_1d) is not null then least(greatest((10.0::float8 * energy_mean_1d), 0.0::float8), 100.0::float8) end as rating_points

    from inputs

),

judged as (

    select
        *,
        case when num_nonnulls(rating_points) < 1 then 'UNSCORABLE' else 'SCORED' end as score_state,
        case when rating_points is not null then 100.0::float8 else 0 end as known_weight

    from points

),

scores as (

    select
        user_id,
        local_date,
        case when score_state = 'SCORED' then least(greatest((coalesce(rating_points * 100.0::float8, 0)) / known_weight, 0), 100) end as score,
        score_state,
        known_weight / 100.0::float8 as coverage,
        jsonb_build_array(jsonb_build_object('name', 'rating', 'value', rating_value, 'unit', 'points', 'goal', '→ 10', 'points', rating_points, 'weight', 100.0::float8, 'contribution', rating_points * 100.0::float8 / nullif(known_weight, 0))) as factors,
        1 as version,
        as_of,
        tz

    from judged

)

select * from scores
