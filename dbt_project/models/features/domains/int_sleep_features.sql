-- Written by `aurora generate` from aurora/features/catalogue.py; do not edit.
-- sqlfluff:max_line_length:0
{{ config(pre_hook="set local enable_mergejoin = off; set local work_mem = '64MB'", post_hook='{{ analyze_if_grown() }}') }}

with

-- Not materialized: of a table Postgres knows how many rows there are.
moments as not materialized (

    select * from {{ ref('int_rebuilt_moments') }}

),

todays_tiles as (

    {{ todays_tiles('int_other_tiles', {'main_sleep_minutes_today_last_at': ('main_sleep_minutes', 'last_at'), 'main_sleep_minutes_today_last_value': ('main_sleep_minutes', 'last_value'), 'main_sleep_minutes_today_n': ('main_sleep_minutes', 'n'), 'main_sleep_minutes_today_total': ('main_sleep_minutes', 'total'), 'sleep_minutes_today_n': ('sleep_minutes', 'n'), 'sleep_minutes_today_total': ('sleep_minutes', 'total'), 'sleep_efficiency_today_last_value': ('sleep_efficiency', 'last_value'), 'sleep_efficiency_today_n': ('sleep_efficiency', 'n'), 'sleep_efficiency_today_total': ('sleep_efficiency', 'total')}) }}

),

known_moments as not materialized (

    {{ known_moments('sleep') }}

),

days as (

    select distinct user_id, local_date, known_by, known_number, is_framed from known_moments

),

days_in_order as (

    {{ newest_tiles('int_other_tiles', {'main_sleep_minutes_last_at': ('main_sleep_minutes', 'last_at'), 'main_sleep_minutes_n': ('main_sleep_minutes', 'n'), 'main_sleep_minutes_last_value': ('main_sleep_minutes', 'last_value'), 'main_sleep_minutes_total': ('main_sleep_minutes', 'total'), 'sleep_minutes_n': ('sleep_minutes', 'n'), 'sleep_minutes_total': ('sleep_minutes', 'total'), 'sleep_efficiency_n': ('sleep_efficiency', 'n'), 'sleep_efficiency_last_value': ('sleep_efficiency', 'last_value'), 'sleep_efficiency_total': ('sleep_efficiency', 'total')}, first_day=27) }}

),

framed as (

    select
        known_number,
        max(main_sleep_minutes_last_at) over days_1_to_2_before as main_sleep_minutes_last_at_3d, (array_agg(main_sleep_minutes_last_value) filter (where main_sleep_minutes_n is not null) over days_1_to_2_before)[1] as main_sleep_minutes_last_value_3d, sum(main_sleep_minutes_total) over days_1_to_27_before as main_sleep_minutes_total_28d, sum(main_sleep_minutes_n) over days_1_to_27_before as main_sleep_minutes_n_28d,
        sum(sleep_minutes_total) over days_1_to_6_before as sleep_minutes_total_7d, count(sleep_minutes_n) over days_1_to_6_before as sleep_minutes_days_7d,
        (array_agg(sleep_efficiency_last_value) filter (where sleep_efficiency_n is not null) over days_1_to_2_before)[1] as sleep_efficiency_last_value_3d, sum(sleep_efficiency_total) over days_1_to_27_before as sleep_efficiency_total_28d, sum(sleep_efficiency_n) over days_1_to_27_before as sleep_efficiency_n_28d

    from days_in_order
    window
        newest_first as (partition by user_id order by day desc),
        days_1_to_2_before as (newest_first range between 1 following and 2 following),
        days_1_to_27_before as (newest_first range between 1 following and 27 following),
        days_1_to_6_before as (newest_first range between 1 following and 6 following)

),

held as (

    select * from framed
    where known_number is not null
    union all
    select days.known_number, looked_up.*
    from (select * from days where not is_framed order by user_id, local_date) as days
    cross join lateral (
        select max(last_at) filter (where measure = 'main_sleep_minutes' and days_ago between 1 and 2) as main_sleep_minutes_last_at_3d, (max(array[-days_ago, last_value]) filter (where measure = 'main_sleep_minutes' and days_ago between 1 and 2))[2] as main_sleep_minutes_last_value_3d, sum(total) filter (where measure = 'main_sleep_minutes' and days_ago between 1 and 27) as main_sleep_minutes_total_28d, sum(n) filter (where measure = 'main_sleep_minutes' and days_ago between 1 and 27) as main_sleep_minutes_n_28d, sum(total) filter (where measure = 'sleep_minutes' and days_ago between 1 and 6) as sleep_minutes_total_7d, count(n) filter (where measure = 'sleep_minutes' and days_ago between 1 and 6) as sleep_minutes_days_7d, (max(array[-days_ago, last_value]) filter (where measure = 'sleep_efficiency' and days_ago between 1 and 2))[2] as sleep_efficiency_last_value_3d, sum(total) filter (where measure = 'sleep_efficiency' and days_ago between 1 and 27) as sleep_efficiency_total_28d, sum(n) filter (where measure = 'sleep_efficiency' and days_ago between 1 and 27) as sleep_efficiency_n_28d
        from {{ tiles_before('int_other_tiles', ['main_sleep_minutes', 'sleep_minutes', 'sleep_efficiency'], ['n', 'total', 'squares', 'lowest', 'highest', 'last_value', 'last_at'], first_day=27) }}
    ) as looked_up

),

earlier as materialized (

    select
        known_number,
        main_sleep_minutes_last_at_3d, main_sleep_minutes_last_value_3d, main_sleep_minutes_total_28d, main_sleep_minutes_n_28d,
        sleep_minutes_total_7d, sleep_minutes_days_7d,
        sleep_efficiency_last_value_3d, sleep_efficiency_total_28d, sleep_efficiency_n_28d

    from held

),

windows as (

    select
        moments.*,
        extract(epoch from as_of - (greatest(main_sleep_minutes_last_at_3d, main_sleep_minutes_today_last_at)))::float8 / 3600 as main_sleep_minutes_hours_since_3d,
        (coalesce(main_sleep_minutes_today_last_value, main_sleep_minutes_last_value_3d))::float8 / 1000::float8 as main_sleep_minutes_last_3d,
        (coalesce(main_sleep_minutes_total_28d + main_sleep_minutes_today_total, main_sleep_minutes_total_28d, main_sleep_minutes_today_total))::float8 / (coalesce(main_sleep_minutes_n_28d + main_sleep_minutes_today_n, main_sleep_minutes_n_28d, main_sleep_minutes_today_n))::float8 / 1000::float8 as main_sleep_minutes_mean_28d,
        (coalesce(sleep_minutes_total_7d + sleep_minutes_today_total, sleep_minutes_total_7d, sleep_minutes_today_total))::float8 / (coalesce(sleep_minutes_days_7d, 0) + (sleep_minutes_today_n is not null)::integer)::float8 / 1000::float8 as sleep_minutes_daily_7d,
        nullif((coalesce(sleep_minutes_days_7d, 0) + (sleep_minutes_today_n is not null)::integer), 0)::float8 as sleep_minutes_days_7d,
        (coalesce(sleep_minutes_total_7d + sleep_minutes_today_total, sleep_minutes_total_7d, sleep_minutes_today_total))::float8 / 1000::float8 as sleep_minutes_sum_7d,
        (coalesce(sleep_efficiency_today_last_value, sleep_efficiency_last_value_3d))::float8 / 1000::float8 as sleep_efficiency_last_3d,
        (coalesce(sleep_efficiency_total_28d + sleep_efficiency_today_total, sleep_efficiency_total_28d, sleep_efficiency_today_total))::float8 / (coalesce(sleep_efficiency_n_28d + sleep_efficiency_today_n, sleep_efficiency_n_28d, sleep_efficiency_today_n))::float8 / 1000::float8 as sleep_efficiency_mean_28d

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
        main_sleep_minutes_hours_since_3d as time_since_last_sleep,
        sleep_minutes_daily_7d as avg_sleep_last_7d,
        main_sleep_minutes_last_3d as main_sleep_minutes_last_3d,
        ((coalesce(sleep_minutes_days_7d, 0.0::float8) * 480.0::float8) - sleep_minutes_sum_7d) as sleep_debt_sum_7d,
        sleep_efficiency_last_3d as sleep_efficiency_last_3d,
        main_sleep_minutes_mean_28d as main_sleep_minutes_mean_28d,
        sleep_efficiency_mean_28d as sleep_efficiency_mean_28d,
        case when ((10.0::float8 * (9.0::float8 - (10.6::float8 - (0.6::float8 * ((((2.4::float8 + ((case when (main_sleep_minutes_last_3d / nullif(60.0::float8, 0)) >= 0.0 and (main_sleep_minutes_last_3d / nullif(60.0::float8, 0)) < 5.293779808724744 then (7.96::float8 + (0.8009400000000005::float8 * (main_sleep_minutes_last_3d / nullif(60.0::float8, 0)))) when (main_sleep_minutes_last_3d / nullif(60.0::float8, 0)) >= 5.293779808724744 then (14.3::float8 - (2.1000000000000014::float8 * exp(((-0.3814::float8) * ((main_sleep_minutes_last_3d / nullif(60.0::float8, 0)) - 5.293779808724744::float8))))) end - 2.4::float8) * exp(((-0.0353::float8) * main_sleep_minutes_hours_since_3d)))) + (2.5::float8 * cos((0.2617993877991494::float8 * ((moments.local_seconds / 3600::float8) - 16.8::float8))))) + ((-0.5::float8) + (0.5::float8 * cos((0.5235987755982988::float8 * ((moments.local_seconds / 3600::float8) - 19.8::float8)))))) + ((-5.72::float8) * exp(((-1.51::float8) * main_sleep_minutes_hours_since_3d)))))))) / nullif(8.0::float8, 0)) is not null then least(greatest(((10.0::float8 * (9.0::float8 - (10.6::float8 - (0.6::float8 * ((((2.4::float8 + ((case when (main_sleep_minutes_last_3d / nullif(60.0::float8, 0)) >= 0.0 and (main_sleep_minutes_last_3d / nullif(60.0::float8, 0)) < 5.293779808724744 then (7.96::float8 + (0.8009400000000005::float8 * (main_sleep_minutes_last_3d / nullif(60.0::float8, 0)))) when (main_sleep_minutes_last_3d / nullif(60.0::float8, 0)) >= 5.293779808724744 then (14.3::float8 - (2.1000000000000014::float8 * exp(((-0.3814::float8) * ((main_sleep_minutes_last_3d / nullif(60.0::float8, 0)) - 5.293779808724744::float8))))) end - 2.4::float8) * exp(((-0.0353::float8) * main_sleep_minutes_hours_since_3d)))) + (2.5::float8 * cos((0.2617993877991494::float8 * ((moments.local_seconds / 3600::float8) - 16.8::float8))))) + ((-0.5::float8) + (0.5::float8 * cos((0.5235987755982988::float8 * ((moments.local_seconds / 3600::float8) - 19.8::float8)))))) + ((-5.72::float8) * exp(((-1.51::float8) * main_sleep_minutes_hours_since_3d)))))))) / nullif(8.0::float8, 0)), 0.0::float8), 10.0::float8) end as energy_prior_three_process

    from windows as moments

)

select * from features
