-- Written by `aurora generate` from aurora/features/catalogue.py; do not edit.
-- sqlfluff:max_line_length:0
{{ config(pre_hook="set local enable_mergejoin = off; set local work_mem = '64MB'", post_hook='{{ analyze_if_grown() }}') }}

with

-- Not materialized: of a table Postgres knows how many rows there are.
moments as not materialized (

    select * from {{ ref('int_rebuilt_moments') }}

),

todays_tiles as (

    {{ todays_tiles('int_other_tiles', {'cloud_cover_today_n': ('cloud_cover', 'n'), 'cloud_cover_today_total': ('cloud_cover', 'total'), 'daylight_minutes_today_last_value': ('daylight_minutes', 'last_value')}) }}

),

known_moments as not materialized (

    {{ known_moments('surroundings') }}

),

days as (

    select distinct user_id, local_date, known_by, known_number, is_framed from known_moments

),

days_in_order as (

    {{ newest_tiles('int_other_tiles', {'daylight_minutes_n': ('daylight_minutes', 'n'), 'daylight_minutes_last_value': ('daylight_minutes', 'last_value')}, first_day=1) }}

),

framed as (

    select
        known_number,
        (array_agg(daylight_minutes_last_value) filter (where daylight_minutes_n is not null) over days_1_to_1_before)[1] as daylight_minutes_last_value_2d

    from days_in_order
    window
        newest_first as (partition by user_id order by day desc),
        days_1_to_1_before as (newest_first range between 1 following and 1 following)

),

held as (

    select * from framed
    where known_number is not null
    union all
    select days.known_number, looked_up.*
    from (select * from days where not is_framed order by user_id, local_date) as days
    cross join lateral (
        select (max(array[-days_ago, last_value]) filter (where measure = 'daylight_minutes' and days_ago between 1 and 1))[2] as daylight_minutes_last_value_2d
        from {{ tiles_before('int_other_tiles', ['daylight_minutes'], ['n', 'total', 'squares', 'lowest', 'highest', 'last_value', 'last_at'], first_day=1) }}
    ) as looked_up

),

earlier as materialized (

    select
        known_number,
        daylight_minutes_last_value_2d

    from held

),

windows as (

    select
        moments.*,
        (coalesce(null::numeric + cloud_cover_today_total, null::numeric, cloud_cover_today_total))::float8 / (coalesce(null::bigint + cloud_cover_today_n, null::bigint, cloud_cover_today_n))::float8 / 1000::float8 as cloud_cover_mean_1d,
        (coalesce(daylight_minutes_today_last_value, daylight_minutes_last_value_2d))::float8 / 1000::float8 as daylight_minutes_last_2d

    from known_moments as moments
    inner join earlier using (known_number)
    left join todays_tiles using (moment_number)
    -- A fence: each window is computed once, however often formulas read it.
    offset 0 -- noqa: AM09

),

features as (

    select
        moments.user_id,
        moments.moment_number,
        cloud_cover_mean_1d as cloud_cover_mean_1d,
        daylight_minutes_last_2d as daylight_minutes_last_2d

    from windows as moments

)

select * from features
