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
        main_sleep_minutes_hours_since_3d as time_since_last_sleep,
        sleep_minutes_daily_7d as avg_sleep_last_7d,
        main_sleep_minutes_last_3d as main_sleep_minutes_last_3d,
        ((coalesce(sleep_minutes_days_7d, 0.0::float8) * 480.0::float8) - sleep_minutes_sum_7d) as sleep_debt_sum_7d,
        sleep_efficiency_last_3d as sleep_efficiency_last_3d,
        main_sleep_minutes_mean_28d as main_sleep_minutes_mean_28d,
        sleep_efficiency_mean_28d as sleep_efficiency_mean_28d,
        case when ((10.0::float8 * (9.0::float8 - (10.6::float8 - (0.6::float8 * ((((2.4::float8 + ((case when (main_sleep_minutes_last_3d / nullif(60.0::float8, 0)) >= 0.0 and (main_sleep_minutes_last_3d / nullif(60.0::float8, 0)) < 5.293779808724744 then (7.96::float8 + (0.8009400000000005::float8 * (main_sleep_minutes_last_3d / nullif(60.0::float8, 0)))) when (main_sleep_minutes_last_3d / nullif(60.0::float8, 0)) >= 5.293779808724744 then (14.3::float8 - (2.1000000000000014::float8 * exp(((-0.3814::float8) * ((main_sleep_minutes_last_3d / nullif(60.0::float8, 0)) - 5.293779808724744::float8))))) end - 2.4::float8) * exp(((-0.0353::float8) * main_sleep_minutes_hours_since_3d)))) + (2.5::float8 * cos((0.2617993877991494::float8 * ((moments.local_seconds / 3600::float8) - 16.8::float8))))) + ((-0.5::float8) + (0.5::float8 * cos((0.5235987755982988::float8 * ((moments.local_seconds / 3600::float8) - 19.8::float8)))))) + ((-5.72::float8) * exp(((-1.51::float8) * main_sleep_minutes_hours_since_3d)))))))) / nullif(8.0::float8, 0)) is not null then least(greatest(((10.0::float8 * (9.0::float8 - (10.6::float8 - (0.6::float8 * ((((2.4::float8 + ((case when (main_sleep_minutes_last_3d / nullif(60.0::float8, 0)) >= 0.0 and (main_sleep_minutes_last_3d / nullif(60.0::float8, 0)) < 5.293779808724744 then (7.96::float8 + (0.8009400000000005::float8 * (main_sleep_minutes_last_3d / nullif(60.0::float8, 0)))) when (main_sleep_minutes_last_3d / nullif(60.0::float8, 0)) >= 5.293779808724744 then (14.3::float8 - (2.1000000000000014::float8 * exp(((-0.3814::float8) * ((main_sleep_minutes_last_3d / nullif(60.0::float8, 0)) - 5.293779808724744::float8))))) end - 2.4::float8) * exp(((-0.0353::float8) * main_sleep_minutes_hours_since_3d)))) + (2.5::float8 * cos((0.2617993877991494::float8 * ((moments.local_seconds / 3600::float8) - 16.8::float8))))) + ((-0.5::float8) + (0.5::float8 * cos((0.5235987755982988::float8 * ((moments.local_seconds / 3600::float8) - 19.8::float8)))))) + ((-5.72::float8) * exp(((-1.51::float8) * main_sleep_minutes_hours_since_3d)))))))) / nullif(8.0::float8, 0)), 0.0::float8), 10.0::float8) end as energy_prior_three_process

    from moments
    cross join lateral (
        select
            extract(epoch from as_of - max(last_at) filter (where days_ago between 0 and 2))::float8 / 3600 as main_sleep_minutes_hours_since_3d,
            (max(array[-days_ago, last_value]) filter (where days_ago between 0 and 2))[2]::float8 / 1000::float8 as main_sleep_minutes_last_3d,
            sum(total) filter (where days_ago between 0 and 27)::float8 / sum(n) filter (where days_ago between 0 and 27)::float8 / 1000::float8 as main_sleep_minutes_mean_28d
        from {{ tiles_of_window('main_sleep_minutes', first_day=27) }}
    ) as main_sleep_minutes
    cross join lateral (
        select
            sum(total) filter (where days_ago between 0 and 6)::float8 / count(*) filter (where days_ago between 0 and 6)::float8 / 1000::float8 as sleep_minutes_daily_7d,
            nullif(count(*) filter (where days_ago between 0 and 6), 0)::float8 as sleep_minutes_days_7d,
            sum(total) filter (where days_ago between 0 and 6)::float8 / 1000::float8 as sleep_minutes_sum_7d
        from {{ tiles_of_window('sleep_minutes', first_day=6) }}
    ) as sleep_minutes
    cross join lateral (
        select
            (max(array[-days_ago, last_value]) filter (where days_ago between 0 and 2))[2]::float8 / 1000::float8 as sleep_efficiency_last_3d,
            sum(total) filter (where days_ago between 0 and 27)::float8 / sum(n) filter (where days_ago between 0 and 27)::float8 / 1000::float8 as sleep_efficiency_mean_28d
        from {{ tiles_of_window('sleep_efficiency', first_day=27) }}
    ) as sleep_efficiency

)

select * from features
