-- Written by `aurora generate` from aurora/features/catalogue.py; do not edit.
-- sqlfluff:max_line_length:0
{{ config(pre_hook="set local enable_mergejoin = off; set local work_mem = '64MB'", post_hook='{{ analyze_if_grown() }}') }}

with

-- Not materialized: of a table Postgres knows how many rows there are.
moments as not materialized (

    select * from {{ ref('int_rebuilt_moments') }}

),

todays_tiles as (

    {{ todays_tiles('int_other_tiles', {'meals_today_last_at': ('meals', 'last_at'), 'caffeine_today_total': ('caffeine', 'total'), 'caffeine_today_last_at': ('caffeine', 'last_at'), 'alcohol_today_total': ('alcohol', 'total')}) }}

),

known_moments as not materialized (

    {{ known_moments('intake') }}

),

days as (

    select distinct user_id, local_date, known_by, known_number, is_framed from known_moments

),

days_in_order as (

    {{ newest_tiles('int_other_tiles', {'meals_last_at': ('meals', 'last_at'), 'caffeine_n': ('caffeine', 'n'), 'caffeine_total': ('caffeine', 'total'), 'caffeine_last_at': ('caffeine', 'last_at'), 'alcohol_total': ('alcohol', 'total')}, first_day=27) }}

),

framed as (

    select
        known_number,
        max(meals_last_at) over days_1_to_1_before as meals_last_at_2d,
        sum(caffeine_total) over days_1_to_27_before as caffeine_total_27d_lag_1, count(caffeine_n) over days_1_to_27_before as caffeine_days_27d_lag_1, max(caffeine_last_at) over days_1_to_2_before as caffeine_last_at_3d,
        sum(alcohol_total) over days_1_to_1_before as alcohol_total_2d, sum(alcohol_total) over days_1_to_1_before as alcohol_total_1d_lag_1

    from days_in_order
    window
        newest_first as (partition by user_id order by day desc),
        days_1_to_1_before as (newest_first range between 1 following and 1 following),
        days_1_to_27_before as (newest_first range between 1 following and 27 following),
        days_1_to_2_before as (newest_first range between 1 following and 2 following)

),

held as (

    select * from framed
    where known_number is not null
    union all
    select days.known_number, looked_up.*
    from (select * from days where not is_framed order by user_id, local_date) as days
    cross join lateral (
        select max(last_at) filter (where measure = 'meals' and days_ago between 1 and 1) as meals_last_at_2d, sum(total) filter (where measure = 'caffeine' and days_ago between 1 and 27) as caffeine_total_27d_lag_1, count(n) filter (where measure = 'caffeine' and days_ago between 1 and 27) as caffeine_days_27d_lag_1, max(last_at) filter (where measure = 'caffeine' and days_ago between 1 and 2) as caffeine_last_at_3d, sum(total) filter (where measure = 'alcohol' and days_ago between 1 and 1) as alcohol_total_2d, sum(total) filter (where measure = 'alcohol' and days_ago between 1 and 1) as alcohol_total_1d_lag_1
        from {{ tiles_before('int_other_tiles', ['meals', 'caffeine', 'alcohol'], ['n', 'total', 'squares', 'lowest', 'highest', 'last_value', 'last_at'], first_day=27) }}
    ) as looked_up

),

earlier as materialized (

    select
        known_number,
        meals_last_at_2d,
        caffeine_total_27d_lag_1, caffeine_days_27d_lag_1, caffeine_last_at_3d,
        alcohol_total_2d, alcohol_total_1d_lag_1

    from held

),

windows as (

    select
        moments.*,
        extract(epoch from as_of - (greatest(meals_last_at_2d, meals_today_last_at)))::float8 / 3600 as meals_hours_since_2d,
        (coalesce(null::numeric + caffeine_today_total, null::numeric, caffeine_today_total))::float8 / 1000::float8 as caffeine_sum_1d,
        caffeine_total_27d_lag_1::float8 / caffeine_days_27d_lag_1::float8 / 1000::float8 as caffeine_daily_27d_lag_1,
        extract(epoch from as_of - (greatest(caffeine_last_at_3d, caffeine_today_last_at)))::float8 / 3600 as caffeine_hours_since_3d,
        (coalesce(alcohol_total_2d + alcohol_today_total, alcohol_total_2d, alcohol_today_total))::float8 / 1000::float8 as alcohol_sum_2d,
        alcohol_total_1d_lag_1::float8 / 1000::float8 as alcohol_sum_1d_lag_1

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
        meals_hours_since_2d as time_since_last_meal,
        caffeine_sum_1d as caffeine_sum_1d,
        caffeine_daily_27d_lag_1 as caffeine_daily_27d,
        caffeine_hours_since_3d as caffeine_hours_since_3d,
        (caffeine_sum_1d * exp((caffeine_hours_since_3d * (-0.13862943611198905::float8)))) as caffeine_active_1d,
        alcohol_sum_2d as alcohol_sum_2d,
        alcohol_sum_1d_lag_1 as alcohol_sum_yesterday

    from windows as moments

)

select * from features
