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
        cloud_cover_mean_1d as cloud_cover_mean_1d,
        daylight_minutes_last_2d as daylight_minutes_last_2d

    from moments
    cross join lateral (
        select sum(total) filter (where days_ago between 0 and 0)::float8 / sum(n) filter (where days_ago between 0 and 0)::float8 / 1000::float8 as cloud_cover_mean_1d from {{ tiles_of_window('cloud_cover', first_day=0) }}
    ) as cloud_cover
    cross join lateral (
        select (max(array[-days_ago, last_value]) filter (where days_ago between 0 and 1))[2]::float8 / 1000::float8 as daylight_minutes_last_2d from {{ tiles_of_window('daylight_minutes', first_day=1) }}
    ) as daylight_minutes

)

select * from features
