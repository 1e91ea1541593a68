-- Written by `aurora generate` from aurora/features/catalogue.py; do not edit.
-- sqlfluff:max_line_length:0
{{ config(pre_hook="set local enable_mergejoin = off; set local work_mem = '64MB'", post_hook='{{ analyze_if_grown() }}') }}

with

-- Not materialized: of a table Postgres knows how many rows there are.
moments as not materialized (

    select * from {{ ref('int_rebuilt_moments') }}

),

todays_tiles as (

    {{ todays_tiles('int_other_tiles', {'exercise_minutes_today_n': ('exercise_minutes', 'n'), 'exercise_minutes_today_total': ('exercise_minutes', 'total'), 'exercise_load_today_total': ('exercise_load', 'total'), 'exercise_load_today_last_at': ('exercise_load', 'last_at'), 'work_minutes_today_total': ('work_minutes', 'total'), 'work_minutes_today_last_at': ('work_minutes', 'last_at'), 'social_events_today_n': ('social_events', 'n'), 'social_minutes_today_total': ('social_minutes', 'total'), 'social_minutes_today_last_at': ('social_minutes', 'last_at'), 'social_minutes_today_last_value': ('social_minutes', 'last_value'), 'meditation_minutes_today_last_at': ('meditation_minutes', 'last_at')}) }}

),

known_moments as not materialized (

    {{ known_moments('activity') }}

),

days as (

    select distinct user_id, local_date, known_by, known_number, is_framed from known_moments

),

days_in_order as (

    {{ newest_tiles('int_other_tiles', {'exercise_minutes_n': ('exercise_minutes', 'n'), 'exercise_minutes_total': ('exercise_minutes', 'total'), 'exercise_load_total': ('exercise_load', 'total'), 'exercise_load_last_at': ('exercise_load', 'last_at'), 'work_minutes_n': ('work_minutes', 'n'), 'work_minutes_total': ('work_minutes', 'total'), 'work_minutes_last_at': ('work_minutes', 'last_at'), 'social_events_n': ('social_events', 'n'), 'social_minutes_n': ('social_minutes', 'n'), 'social_minutes_total': ('social_minutes', 'total'), 'social_minutes_last_at': ('social_minutes', 'last_at'), 'social_minutes_last_value': ('social_minutes', 'last_value'), 'meditation_minutes_last_at': ('meditation_minutes', 'last_at')}, first_day=27) }}

),

framed as (

    select
        known_number,
        sum(exercise_minutes_total) over days_1_to_6_before as exercise_minutes_total_7d, count(exercise_minutes_n) over days_1_to_6_before as exercise_minutes_days_7d, sum(exercise_minutes_total) over days_1_to_27_before as exercise_minutes_total_27d_lag_1, count(exercise_minutes_n) over days_1_to_27_before as exercise_minutes_days_27d_lag_1,
        sum(exercise_load_total) over days_1_to_1_before as exercise_load_total_1d_lag_1, sum(exercise_load_total) over days_1_to_6_before as exercise_load_total_7d, max(exercise_load_last_at) over days_1_to_6_before as exercise_load_last_at_7d,
        sum(work_minutes_total) over days_1_to_27_before as work_minutes_total_27d_lag_1, count(work_minutes_n) over days_1_to_27_before as work_minutes_days_27d_lag_1, max(work_minutes_last_at) over days_1_to_2_before as work_minutes_last_at_3d,
        sum(social_events_n) over days_1_to_2_before as social_events_n_3d,
        sum(social_minutes_total) over days_1_to_27_before as social_minutes_total_27d_lag_1, count(social_minutes_n) over days_1_to_27_before as social_minutes_days_27d_lag_1, max(social_minutes_last_at) over days_1_to_2_before as social_minutes_last_at_3d, (array_agg(social_minutes_last_value) filter (where social_minutes_n is not null) over days_1_to_2_before)[1] as social_minutes_last_value_3d,
        max(meditation_minutes_last_at) over days_1_to_1_before as meditation_minutes_last_at_2d

    from days_in_order
    window
        newest_first as (partition by user_id order by day desc),
        days_1_to_6_before as (newest_first range between 1 following and 6 following),
        days_1_to_27_before as (newest_first range between 1 following and 27 following),
        days_1_to_1_before as (newest_first range between 1 following and 1 following),
        days_1_to_2_before as (newest_first range between 1 following and 2 following)

),

held as (

    select * from framed
    where known_number is not null
    union all
    select days.known_number, looked_up.*
    from (select * from days where not is_framed order by user_id, local_date) as days
    cross join lateral (
        select sum(total) filter (where measure = 'exercise_minutes' and days_ago between 1 and 6) as exercise_minutes_total_7d, count(n) filter (where measure = 'exercise_minutes' and days_ago between 1 and 6) as exercise_minutes_days_7d, sum(total) filter (where measure = 'exercise_minutes' and days_ago between 1 and 27) as exercise_minutes_total_27d_lag_1, count(n) filter (where measure = 'exercise_minutes' and days_ago between 1 and 27) as exercise_minutes_days_27d_lag_1, sum(total) filter (where measure = 'exercise_load' and days_ago between 1 and 1) as exercise_load_total_1d_lag_1, sum(total) filter (where measure = 'exercise_load' and days_ago between 1 and 6) as exercise_load_total_7d, max(last_at) filter (where measure = 'exercise_load' and days_ago between 1 and 6) as exercise_load_last_at_7d, sum(total) filter (where measure = 'work_minutes' and days_ago between 1 and 27) as work_minutes_total_27d_lag_1, count(n) filter (where measure = 'work_minutes' and days_ago between 1 and 27) as work_minutes_days_27d_lag_1, max(last_at) filter (where measure = 'work_minutes' and days_ago between 1 and 2) as work_minutes_last_at_3d, sum(n) filter (where measure = 'social_events' and days_ago between 1 and 2) as social_events_n_3d, sum(total) filter (where measure = 'social_minutes' and days_ago between 1 and 27) as social_minutes_total_27d_lag_1, count(n) filter (where measure = 'social_minutes' and days_ago between 1 and 27) as social_minutes_days_27d_lag_1, max(last_at) filter (where measure = 'social_minutes' and days_ago between 1 and 2) as social_minutes_last_at_3d, (max(array[-days_ago, last_value]) filter (where measure = 'social_minutes' and days_ago between 1 and 2))[2] as social_minutes_last_value_3d, max(last_at) filter (where measure = 'meditation_minutes' and days_ago between 1 and 1) as meditation_minutes_last_at_2d
        from {{ tiles_before('int_other_tiles', ['exercise_minutes', 'exercise_load', 'work_minutes', 'social_events', 'social_minutes', 'meditation_minutes'], ['n', 'total', 'squares', 'lowest', 'highest', 'last_value', 'last_at'], first_day=27) }}
    ) as looked_up

),

earlier as materialized (

    select
        known_number,
        exercise_minutes_total_7d, exercise_minutes_days_7d, exercise_minutes_total_27d_lag_1, exercise_minutes_days_27d_lag_1,
        exercise_load_total_1d_lag_1, exercise_load_total_7d, exercise_load_last_at_7d,
        work_minutes_total_27d_lag_1, work_minutes_days_27d_lag_1, work_minutes_last_at_3d,
        social_events_n_3d,
        social_minutes_total_27d_lag_1, social_minutes_days_27d_lag_1, social_minutes_last_at_3d, social_minutes_last_value_3d,
        meditation_minutes_last_at_2d

    from held

),

windows as (

    select
        moments.*,
        (coalesce(exercise_minutes_total_7d + exercise_minutes_today_total, exercise_minutes_total_7d, exercise_minutes_today_total))::float8 / (coalesce(exercise_minutes_days_7d, 0) + (exercise_minutes_today_n is not null)::integer)::float8 / 1000::float8 as exercise_minutes_daily_7d,
        exercise_minutes_total_27d_lag_1::float8 / exercise_minutes_days_27d_lag_1::float8 / 1000::float8 as exercise_minutes_daily_27d_lag_1,
        exercise_load_total_1d_lag_1::float8 / 1000::float8 as exercise_load_sum_1d_lag_1,
        (coalesce(exercise_load_total_7d + exercise_load_today_total, exercise_load_total_7d, exercise_load_today_total))::float8 / 1000::float8 as exercise_load_sum_7d,
        extract(epoch from as_of - (greatest(exercise_load_last_at_7d, exercise_load_today_last_at)))::float8 / 3600 as exercise_load_hours_since_7d,
        (coalesce(null::numeric + work_minutes_today_total, null::numeric, work_minutes_today_total))::float8 / 1000::float8 as work_minutes_sum_1d,
        work_minutes_total_27d_lag_1::float8 / work_minutes_days_27d_lag_1::float8 / 1000::float8 as work_minutes_daily_27d_lag_1,
        extract(epoch from as_of - (greatest(work_minutes_last_at_3d, work_minutes_today_last_at)))::float8 / 3600 as work_minutes_hours_since_3d,
        (coalesce(social_events_n_3d + social_events_today_n, social_events_n_3d, social_events_today_n))::float8 as social_events_count_3d,
        (coalesce(null::numeric + social_minutes_today_total, null::numeric, social_minutes_today_total))::float8 / 1000::float8 as social_minutes_sum_1d,
        social_minutes_total_27d_lag_1::float8 / social_minutes_days_27d_lag_1::float8 / 1000::float8 as social_minutes_daily_27d_lag_1,
        extract(epoch from as_of - (greatest(social_minutes_last_at_3d, social_minutes_today_last_at)))::float8 / 3600 as social_minutes_hours_since_3d,
        (coalesce(social_minutes_today_last_value, social_minutes_last_value_3d))::float8 / 1000::float8 as social_minutes_last_3d,
        extract(epoch from as_of - (greatest(meditation_minutes_last_at_2d, meditation_minutes_today_last_at)))::float8 / 3600 as meditation_minutes_hours_since_2d

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
        exercise_minutes_daily_7d as avg_exercise_last_7d,
        exercise_minutes_daily_27d_lag_1 as exercise_minutes_daily_27d,
        exercise_load_sum_1d_lag_1 as exercise_load_sum_yesterday,
        exercise_load_sum_7d as exercise_load_sum_7d,
        exercise_load_hours_since_7d as exercise_load_hours_since_7d,
        work_minutes_sum_1d as work_minutes_sum_1d,
        work_minutes_daily_27d_lag_1 as work_minutes_daily_27d,
        work_minutes_hours_since_3d as work_minutes_hours_since_3d,
        coalesce(social_events_count_3d, 0.0::float8) as social_events_count_last_3d,
        social_minutes_sum_1d as social_minutes_sum_1d,
        social_minutes_daily_27d_lag_1 as social_minutes_daily_27d,
        social_minutes_hours_since_3d as social_minutes_hours_since_3d,
        ((1.0::float8 - exp((social_minutes_last_3d / nullif((-60.0::float8), 0)))) * exp((social_minutes_hours_since_3d / nullif((-6.0::float8), 0)))) as social_minutes_faded_3d,
        meditation_minutes_hours_since_2d as meditation_minutes_hours_since_2d

    from windows as moments

)

select * from features
