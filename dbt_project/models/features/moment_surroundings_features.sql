-- Written by `aurora generate` from aurora/features/catalogue.py; do not edit.
-- sqlfluff:max_line_length:0
{{ feature_table() }}

with

-- Not materialized: of a table Postgres knows how many rows there are.
moments as not materialized (

    select moments.*
    from {{ ref('int_moments') }} as moments
    {{ only_days_of(ref('int_rebuilt_days'), 'moments') }}

),

todays_tiles as (

    select
        moments.user_id, moments.local_date, moments.as_of, moments.precision,
        max(tiles.n) filter (where tiles.measure = 'cloud_cover') as cloud_cover_today_n, max(tiles.total) filter (where tiles.measure = 'cloud_cover') as cloud_cover_today_total,
        max(tiles.last_value) filter (where tiles.measure = 'daylight_minutes') as daylight_minutes_today_last_value

    from moments
    inner join {{ ref('int_tiles') }} as tiles
        on
            moments.user_id = tiles.user_id
            and moments.local_date = tiles.local_date
            and moments.as_of >= tiles.valid_from
            and moments.as_of < tiles.valid_until
    where tiles.measure in ('cloud_cover', 'daylight_minutes')
    group by moments.user_id, moments.local_date, moments.as_of, moments.precision

),

known_moments as (

    {{ moments_with_known_by(['daylight_minutes'], first_day=1) }}

),

days as (

    select distinct user_id, local_date, known_by, day_number from known_moments

),

earlier as materialized (

    select
        days.day_number,
        daylight_minutes.*

    from days
    cross join lateral (select (max(array[-days_ago, last_value]) )[2] as daylight_minutes_last_value_2d from {{ tiles_before('daylight_minutes', first_day=1) }}) as daylight_minutes

),

windows as (

    select
        moments.*,
        (coalesce(null::numeric + cloud_cover_today_total, null::numeric, cloud_cover_today_total))::float8 / (coalesce(null::bigint + cloud_cover_today_n, null::bigint, cloud_cover_today_n))::float8 / 1000::float8 as cloud_cover_mean_1d,
        (coalesce(daylight_minutes_today_last_value, daylight_minutes_last_value_2d))::float8 / 1000::float8 as daylight_minutes_last_2d

    from known_moments as moments
    inner join earlier using (day_number)
    left join todays_tiles using (user_id, local_date, as_of, precision)
    -- A fence: each window is computed once, however often formulas read it.
    offset 0 -- noqa: AM09

),

features as (

    select
        moments.user_id,
        moments.local_date,
        moments.as_of,
        moments.precision,
        cloud_cover_mean_1d as cloud_cover_mean_1d,
        daylight_minutes_last_2d as daylight_minutes_last_2d

    from windows as moments

)

select * from features
