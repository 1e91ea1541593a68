-- Written by `aurora generate` from aurora/features/catalogue.py; do not edit.
-- sqlfluff:max_line_length:0
{{ feature_table() }}

with

moments as (

    select moments.*
    from {{ ref('int_moments') }} as moments
    {{ only_days_of(ref('int_rebuilt_days'), 'moments') }}

),

features as (

    select
        moments.user_id,
        moments.local_date,
        moments.as_of,
        moments.precision,
        meals_hours_since_2d as time_since_last_meal,
        caffeine_sum_1d as caffeine_sum_1d,
        caffeine_daily_27d_lag_1 as caffeine_daily_27d,
        caffeine_hours_since_3d as caffeine_hours_since_3d,
        (caffeine_sum_1d * exp((caffeine_hours_since_3d * (-0.13862943611198905::float8)))) as caffeine_active_1d,
        alcohol_sum_2d as alcohol_sum_2d,
        alcohol_sum_1d_lag_1 as alcohol_sum_yesterday

    from moments
    cross join lateral (
        select extract(epoch from as_of - max(last_at) filter (where days_ago between 0 and 1))::float8 / 3600 as meals_hours_since_2d from {{ tiles_of_window('meals', first_day=1) }}
    ) as meals
    cross join lateral (
        select
            sum(total) filter (where days_ago between 0 and 0)::float8 / 1000::float8 as caffeine_sum_1d,
            sum(total) filter (where days_ago between 1 and 27)::float8 / count(*) filter (where days_ago between 1 and 27)::float8 / 1000::float8 as caffeine_daily_27d_lag_1,
            extract(epoch from as_of - max(last_at) filter (where days_ago between 0 and 2))::float8 / 3600 as caffeine_hours_since_3d
        from {{ tiles_of_window('caffeine', first_day=27) }}
    ) as caffeine
    cross join lateral (
        select
            sum(total) filter (where days_ago between 0 and 1)::float8 / 1000::float8 as alcohol_sum_2d,
            sum(total) filter (where days_ago between 1 and 1)::float8 / 1000::float8 as alcohol_sum_1d_lag_1
        from {{ tiles_of_window('alcohol', first_day=1) }}
    ) as alcohol

)

select * from features
