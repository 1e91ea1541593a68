-- Written by `aurora generate` from aurora/features/catalogue.py; do not edit.
-- sqlfluff:max_line_length:0
{{ config(pre_hook="set local enable_mergejoin = off; set local work_mem = '64MB'", post_hook='{{ analyze_if_grown() }}') }}

with

-- Not materialized: of a table Postgres knows how many rows there are.
moments as not materialized (

    select * from {{ ref('int_rebuilt_moments') }}

),

todays_tiles as (

    {{ todays_tiles('int_rating_tiles', {'energy_today_n': ('energy', 'n'), 'energy_today_total': ('energy', 'total'), 'energy_today_squares': ('energy', 'squares'), 'energy_today_last_value': ('energy', 'last_value'), 'energy_night_today_n': ('energy', 'energy_night_n'), 'energy_night_today_total': ('energy', 'energy_night_total'), 'energy_morning_today_n': ('energy', 'energy_morning_n'), 'energy_morning_today_total': ('energy', 'energy_morning_total'), 'energy_afternoon_today_n': ('energy', 'energy_afternoon_n'), 'energy_afternoon_today_total': ('energy', 'energy_afternoon_total'), 'energy_evening_today_n': ('energy', 'energy_evening_n'), 'energy_evening_today_total': ('energy', 'energy_evening_total'), 'stress_today_n': ('stress', 'n'), 'stress_today_total': ('stress', 'total')}) }}

),

known_moments as not materialized (

    {{ known_moments('ratings') }}

),

days as (

    select distinct user_id, local_date, known_by, known_number, is_framed from known_moments

),

days_in_order as (

    {{ newest_tiles('int_rating_tiles', {'energy_n': ('energy', 'n'), 'energy_total': ('energy', 'total'), 'energy_squares': ('energy', 'squares'), 'energy_last_value': ('energy', 'last_value'), 'energy_night_n': ('energy', 'energy_night_n'), 'energy_night_total': ('energy', 'energy_night_total'), 'energy_morning_n': ('energy', 'energy_morning_n'), 'energy_morning_total': ('energy', 'energy_morning_total'), 'energy_afternoon_n': ('energy', 'energy_afternoon_n'), 'energy_afternoon_total': ('energy', 'energy_afternoon_total'), 'energy_evening_n': ('energy', 'energy_evening_n'), 'energy_evening_total': ('energy', 'energy_evening_total'), 'stress_n': ('stress', 'n'), 'stress_total': ('stress', 'total')}, first_day=27) }}

),

framed as (

    select
        known_number,
        array_agg((energy_total::float8 / energy_n / 1000::float8)) filter (where energy_n is not null) over days_1_to_27_before as energy_weighted_28d, count(energy_n) over days_1_to_27_before as energy_days_28d, sum(energy_total) over days_1_to_6_before as energy_total_7d, sum(energy_n) over days_1_to_6_before as energy_n_7d, sum(energy_squares) over days_1_to_6_before as energy_squares_7d, sum(energy_total) over days_1_to_27_before as energy_total_28d, sum(energy_n) over days_1_to_27_before as energy_n_28d, sum(energy_total) over days_1_to_1_before as energy_total_2d, sum(energy_n) over days_1_to_1_before as energy_n_2d, (array_agg(energy_last_value) filter (where energy_n is not null) over days_1_to_27_before)[1] as energy_last_value_28d,
        sum(energy_night_total) over days_1_to_27_before as energy_night_total_28d, sum(energy_night_n) over days_1_to_27_before as energy_night_n_28d,
        sum(energy_morning_total) over days_1_to_27_before as energy_morning_total_28d, sum(energy_morning_n) over days_1_to_27_before as energy_morning_n_28d,
        sum(energy_afternoon_total) over days_1_to_27_before as energy_afternoon_total_28d, sum(energy_afternoon_n) over days_1_to_27_before as energy_afternoon_n_28d,
        sum(energy_evening_total) over days_1_to_27_before as energy_evening_total_28d, sum(energy_evening_n) over days_1_to_27_before as energy_evening_n_28d,
        sum(stress_total) over days_1_to_1_before as stress_total_2d, sum(stress_n) over days_1_to_1_before as stress_n_2d, sum(stress_total) over days_1_to_27_before as stress_total_28d, sum(stress_n) over days_1_to_27_before as stress_n_28d

    from days_in_order
    window
        newest_first as (partition by user_id order by day desc),
        days_1_to_27_before as (newest_first range between 1 following and 27 following),
        days_1_to_6_before as (newest_first range between 1 following and 6 following),
        days_1_to_1_before as (newest_first range between 1 following and 1 following)

),

held as (

    select * from framed
    where known_number is not null
    union all
    select days.known_number, looked_up.*
    from (select * from days where not is_framed order by user_id, local_date) as days
    cross join lateral (
        select array_agg((total::float8 / n / 1000::float8)) filter (where measure = 'energy' and days_ago between 1 and 27) as energy_weighted_28d, count(n) filter (where measure = 'energy' and days_ago between 1 and 27) as energy_days_28d, sum(total) filter (where measure = 'energy' and days_ago between 1 and 6) as energy_total_7d, sum(n) filter (where measure = 'energy' and days_ago between 1 and 6) as energy_n_7d, sum(squares) filter (where measure = 'energy' and days_ago between 1 and 6) as energy_squares_7d, sum(total) filter (where measure = 'energy' and days_ago between 1 and 27) as energy_total_28d, sum(n) filter (where measure = 'energy' and days_ago between 1 and 27) as energy_n_28d, sum(total) filter (where measure = 'energy' and days_ago between 1 and 1) as energy_total_2d, sum(n) filter (where measure = 'energy' and days_ago between 1 and 1) as energy_n_2d, (max(array[-days_ago, last_value]) filter (where measure = 'energy' and days_ago between 1 and 27))[2] as energy_last_value_28d, sum(energy_night_total) filter (where measure = 'energy' and energy_night_n is not null and days_ago between 1 and 27) as energy_night_total_28d, sum(energy_night_n) filter (where measure = 'energy' and energy_night_n is not null and days_ago between 1 and 27) as energy_night_n_28d, sum(energy_morning_total) filter (where measure = 'energy' and energy_morning_n is not null and days_ago between 1 and 27) as energy_morning_total_28d, sum(energy_morning_n) filter (where measure = 'energy' and energy_morning_n is not null and days_ago between 1 and 27) as energy_morning_n_28d, sum(energy_afternoon_total) filter (where measure = 'energy' and energy_afternoon_n is not null and days_ago between 1 and 27) as energy_afternoon_total_28d, sum(energy_afternoon_n) filter (where measure = 'energy' and energy_afternoon_n is not null and days_ago between 1 and 27) as energy_afternoon_n_28d, sum(energy_evening_total) filter (where measure = 'energy' and energy_evening_n is not null and days_ago between 1 and 27) as energy_evening_total_28d, sum(energy_evening_n) filter (where measure = 'energy' and energy_evening_n is not null and days_ago between 1 and 27) as energy_evening_n_28d, sum(total) filter (where measure = 'stress' and days_ago between 1 and 1) as stress_total_2d, sum(n) filter (where measure = 'stress' and days_ago between 1 and 1) as stress_n_2d, sum(total) filter (where measure = 'stress' and days_ago between 1 and 27) as stress_total_28d, sum(n) filter (where measure = 'stress' and days_ago between 1 and 27) as stress_n_28d
        from {{ tiles_before('int_rating_tiles', ['energy', 'stress'], ['n', 'total', 'squares', 'lowest', 'highest', 'last_value', 'last_at', 'energy_night_n', 'energy_night_total', 'energy_morning_n', 'energy_morning_total', 'energy_afternoon_n', 'energy_afternoon_total', 'energy_evening_n', 'energy_evening_total'], first_day=27) }}
    ) as looked_up

),

earlier as materialized (

    select
        known_number,
        case when energy_weighted_28d is not null then coalesce((energy_weighted_28d)[1], 0) * power(0.7::float8, 0) + coalesce((energy_weighted_28d)[2], 0) * power(0.7::float8, 1) + coalesce((energy_weighted_28d)[3], 0) * power(0.7::float8, 2) + coalesce((energy_weighted_28d)[4], 0) * power(0.7::float8, 3) + coalesce((energy_weighted_28d)[5], 0) * power(0.7::float8, 4) + coalesce((energy_weighted_28d)[6], 0) * power(0.7::float8, 5) + coalesce((energy_weighted_28d)[7], 0) * power(0.7::float8, 6) + coalesce((energy_weighted_28d)[8], 0) * power(0.7::float8, 7) + coalesce((energy_weighted_28d)[9], 0) * power(0.7::float8, 8) + coalesce((energy_weighted_28d)[10], 0) * power(0.7::float8, 9) + coalesce((energy_weighted_28d)[11], 0) * power(0.7::float8, 10) + coalesce((energy_weighted_28d)[12], 0) * power(0.7::float8, 11) + coalesce((energy_weighted_28d)[13], 0) * power(0.7::float8, 12) + coalesce((energy_weighted_28d)[14], 0) * power(0.7::float8, 13) + coalesce((energy_weighted_28d)[15], 0) * power(0.7::float8, 14) + coalesce((energy_weighted_28d)[16], 0) * power(0.7::float8, 15) + coalesce((energy_weighted_28d)[17], 0) * power(0.7::float8, 16) + coalesce((energy_weighted_28d)[18], 0) * power(0.7::float8, 17) + coalesce((energy_weighted_28d)[19], 0) * power(0.7::float8, 18) + coalesce((energy_weighted_28d)[20], 0) * power(0.7::float8, 19) + coalesce((energy_weighted_28d)[21], 0) * power(0.7::float8, 20) + coalesce((energy_weighted_28d)[22], 0) * power(0.7::float8, 21) + coalesce((energy_weighted_28d)[23], 0) * power(0.7::float8, 22) + coalesce((energy_weighted_28d)[24], 0) * power(0.7::float8, 23) + coalesce((energy_weighted_28d)[25], 0) * power(0.7::float8, 24) + coalesce((energy_weighted_28d)[26], 0) * power(0.7::float8, 25) + coalesce((energy_weighted_28d)[27], 0) * power(0.7::float8, 26) end as energy_weighted_28d, energy_days_28d, energy_total_7d, energy_n_7d, energy_squares_7d, energy_total_28d, energy_n_28d, energy_total_2d, energy_n_2d, energy_last_value_28d,
        energy_night_total_28d, energy_night_n_28d,
        energy_morning_total_28d, energy_morning_n_28d,
        energy_afternoon_total_28d, energy_afternoon_n_28d,
        energy_evening_total_28d, energy_evening_n_28d,
        stress_total_2d, stress_n_2d, stress_total_28d, stress_n_28d

    from held

),

windows as (

    select
        moments.*,
        (case when energy_today_n is not null then (energy_today_total::float8 / energy_today_n / 1000::float8) + 0.7::float8 * coalesce(energy_weighted_28d, 0) else energy_weighted_28d end) * 0.30000000000000004::float8 / (1 - power(0.7::float8, (coalesce(energy_days_28d, 0) + (energy_today_n is not null)::integer))) as energy_ewma_28d,
        (coalesce(energy_total_7d + energy_today_total, energy_total_7d, energy_today_total))::float8 / (coalesce(energy_n_7d + energy_today_n, energy_n_7d, energy_today_n))::float8 / 1000::float8 as energy_mean_7d,
        case when (coalesce(energy_n_7d + energy_today_n, energy_n_7d, energy_today_n)) > 1 then sqrt( ((coalesce(energy_n_7d + energy_today_n, energy_n_7d, energy_today_n)) * (coalesce(energy_squares_7d + energy_today_squares, energy_squares_7d, energy_today_squares)) - (coalesce(energy_total_7d + energy_today_total, energy_total_7d, energy_today_total)) * (coalesce(energy_total_7d + energy_today_total, energy_total_7d, energy_today_total)))::float8 / ((coalesce(energy_n_7d + energy_today_n, energy_n_7d, energy_today_n)) * ((coalesce(energy_n_7d + energy_today_n, energy_n_7d, energy_today_n)) - 1))::float8 ) / 1000::float8 end as energy_std_7d,
        (coalesce(energy_total_28d + energy_today_total, energy_total_28d, energy_today_total))::float8 / (coalesce(energy_n_28d + energy_today_n, energy_n_28d, energy_today_n))::float8 / 1000::float8 as energy_mean_28d,
        (coalesce(energy_total_2d + energy_today_total, energy_total_2d, energy_today_total))::float8 / (coalesce(energy_n_2d + energy_today_n, energy_n_2d, energy_today_n))::float8 / 1000::float8 as energy_mean_2d,
        (coalesce(energy_today_last_value, energy_last_value_28d))::float8 / 1000::float8 as energy_last_28d,
        (coalesce(energy_night_total_28d + energy_night_today_total, energy_night_total_28d, energy_night_today_total))::float8 / (coalesce(energy_night_n_28d + energy_night_today_n, energy_night_n_28d, energy_night_today_n))::float8 / 1000::float8 as energy_night_mean_28d,
        (coalesce(energy_morning_total_28d + energy_morning_today_total, energy_morning_total_28d, energy_morning_today_total))::float8 / (coalesce(energy_morning_n_28d + energy_morning_today_n, energy_morning_n_28d, energy_morning_today_n))::float8 / 1000::float8 as energy_morning_mean_28d,
        (coalesce(energy_afternoon_total_28d + energy_afternoon_today_total, energy_afternoon_total_28d, energy_afternoon_today_total))::float8 / (coalesce(energy_afternoon_n_28d + energy_afternoon_today_n, energy_afternoon_n_28d, energy_afternoon_today_n))::float8 / 1000::float8 as energy_afternoon_mean_28d,
        (coalesce(energy_evening_total_28d + energy_evening_today_total, energy_evening_total_28d, energy_evening_today_total))::float8 / (coalesce(energy_evening_n_28d + energy_evening_today_n, energy_evening_n_28d, energy_evening_today_n))::float8 / 1000::float8 as energy_evening_mean_28d,
        (coalesce(stress_total_2d + stress_today_total, stress_total_2d, stress_today_total))::float8 / (coalesce(stress_n_2d + stress_today_n, stress_n_2d, stress_today_n))::float8 / 1000::float8 as stress_mean_2d,
        (coalesce(stress_total_28d + stress_today_total, stress_total_28d, stress_today_total))::float8 / (coalesce(stress_n_28d + stress_today_n, stress_n_28d, stress_today_n))::float8 / 1000::float8 as stress_mean_28d

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
        energy_ewma_28d as energy_ewma_28d,
        energy_mean_7d as energy_rolling_mean_7d,
        energy_std_7d as energy_rolling_std_7d,
        energy_mean_28d as energy_mean_28d,
        energy_mean_2d as energy_mean_2d,
        energy_last_28d as energy_last_28d,
        case when (moments.local_seconds / 3600::float8) >= 0.0 and (moments.local_seconds / 3600::float8) < 6.0 then energy_night_mean_28d when (moments.local_seconds / 3600::float8) >= 6.0 and (moments.local_seconds / 3600::float8) < 12.0 then energy_morning_mean_28d when (moments.local_seconds / 3600::float8) >= 12.0 and (moments.local_seconds / 3600::float8) < 18.0 then energy_afternoon_mean_28d when (moments.local_seconds / 3600::float8) >= 18.0 and (moments.local_seconds / 3600::float8) < 24.0 then energy_evening_mean_28d end as energy_daypart_mean_28d,
        stress_mean_2d as stress_mean_2d,
        stress_mean_28d as stress_mean_28d

    from windows as moments

)

select * from features
