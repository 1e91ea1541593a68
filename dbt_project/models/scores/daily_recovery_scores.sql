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
        greatest(user_days.day_started_at, hrv.known_at, resting_heart_rate.known_at, sleep_efficiency.known_at) as as_of,
        hrv.hrv_mean_1d,
        hrv.hrv_ln_mean_of_days_27d_lag_1,
        hrv.hrv_ln_std_of_days_27d_lag_1,
        hrv.hrv_days_27d_lag_1,
        resting_heart_rate.resting_heart_rate_mean_1d,
        resting_heart_rate.resting_heart_rate_mean_of_days_27d_lag_1,
        resting_heart_rate.resting_heart_rate_std_of_days_27d_lag_1,
        resting_heart_rate.resting_heart_rate_days_27d_lag_1,
        sleep_efficiency.sleep_efficiency_mean_1d,
        sleep_efficiency.sleep_efficiency_mean_of_days_27d_lag_1,
        sleep_efficiency.sleep_efficiency_std_of_days_27d_lag_1,
        sleep_efficiency.sleep_efficiency_days_27d_lag_1

    from user_days
    cross join lateral (
        select
            sum(total) filter (where days_ago between 0 and 0)::float8 / sum(n) filter (where days_ago between 0 and 0)::float8 / 1000::float8 as hrv_mean_1d,
            avg(ln(case when total > 0 then (total::float8 / n / 1000::float8) end) order by days_ago) filter (where days_ago between 1 and 27) as hrv_ln_mean_of_days_27d_lag_1,
            stddev_samp(ln(case when total > 0 then (total::float8 / n / 1000::float8) end) order by days_ago) filter (where days_ago between 1 and 27) as hrv_ln_std_of_days_27d_lag_1,
            nullif(count(n) filter (where days_ago between 1 and 27), 0)::float8 as hrv_days_27d_lag_1,
            max(greatest(tiles.valid_from, nullif(tiles.valid_until, 'infinity'))) as known_at
        from (
            select
                days_tiles.*,
                case
                    when days_tiles.valid_until = 'infinity' then user_days.local_date - days_tiles.local_date
                end as days_ago
            from {{ ref('int_other_tiles') }} as days_tiles
            where
                days_tiles.user_id = user_days.user_id
                and days_tiles.measure = 'hrv'
                and {{ in_window('days_tiles', 'user_days.local_date', 27, 0) }}
        ) as tiles
    ) as hrv
    cross join lateral (
        select
            sum(total) filter (where days_ago between 0 and 0)::float8 / sum(n) filter (where days_ago between 0 and 0)::float8 / 1000::float8 as resting_heart_rate_mean_1d,
            avg((total::float8 / n / 1000::float8) order by days_ago) filter (where days_ago between 1 and 27) as resting_heart_rate_mean_of_days_27d_lag_1,
            stddev_samp((total::float8 / n / 1000::float8) order by days_ago) filter (where days_ago between 1 and 27) as resting_heart_rate_std_of_days_27d_lag_1,
            nullif(count(n) filter (where days_ago between 1 and 27), 0)::float8 as resting_heart_rate_days_27d_lag_1,
            max(greatest(tiles.valid_from, nullif(tiles.valid_until, 'infinity'))) as known_at
        from (
            select
                days_tiles.*,
                case
                    when days_tiles.valid_until = 'infinity' then user_days.local_date - days_tiles.local_date
                end as days_ago
            from {{ ref('int_other_tiles') }} as days_tiles
            where
                days_tiles.user_id = user_days.user_id
                and days_tiles.measure = 'resting_heart_rate'
                and {{ in_window('days_tiles', 'user_days.local_date', 27, 0) }}
        ) as tiles
    ) as resting_heart_rate
    cross join lateral (
        select
            sum(total) filter (where days_ago between 0 and 0)::float8 / sum(n) filter (where days_ago between 0 and 0)::float8 / 1000::float8 as sleep_efficiency_mean_1d,
            avg((total::float8 / n / 1000::float8) order by days_ago) filter (where days_ago between 1 and 27) as sleep_efficiency_mean_of_days_27d_lag_1,
            stddev_samp((total::float8 / n / 1000::float8) order by days_ago) filter (where days_ago between 1 and 27) as sleep_efficiency_std_of_days_27d_lag_1,
            nullif(count(n) filter (where days_ago between 1 and 27), 0)::float8 as sleep_efficiency_days_27d_lag_1,
            max(greatest(tiles.valid_from, nullif(tiles.valid_until, 'infinity'))) as known_at
        from (
            select
                days_tiles.*,
                case
                    when days_tiles.valid_until = 'infinity' then user_days.local_date - days_tiles.local_date
                end as days_ago
            from {{ ref('int_other_tiles') }} as days_tiles
            where
                days_tiles.user_id = user_days.user_id
                and days_tiles.measure = 'sleep_efficiency'
                and {{ in_window('days_tiles', 'user_days.local_date', 27, 0) }}
        ) as tiles
    ) as sleep_efficiency

),

points as (

    select
        *,
        hrv_mean_1d as heart_rate_variability_value,
        case when hrv_days_27d_lag_1 >= 7.0 then case when ((ln(case when hrv_mean_1d > 0 then hrv_mean_1d end) - hrv_ln_mean_of_days_27d_lag_1) / nullif(case when hrv_ln_std_of_days_27d_lag_1 is not null then least(greatest(hrv_ln_std_of_days_27d_lag_1, 0.02::float8), 1000.0::float8) end, 0)) <= -2.0 then 0.0::float8 when ((ln(case when hrv_mean_1d > 0 then hrv_mean_1d end) - hrv_ln_mean_of_days_27d_lag_1) / nullif(case when hrv_ln_std_of_days_27d_lag_1 is not null then least(greatest(hrv_ln_std_of_days_27d_lag_1, 0.02::float8), 1000.0::float8) end, 0)) <= 2.0 then 0.0::float8 + (((ln(case when hrv_mean_1d > 0 then hrv_mean_1d end) - hrv_ln_mean_of_days_27d_lag_1) / nullif(case when hrv_ln_std_of_days_27d_lag_1 is not null then least(greatest(hrv_ln_std_of_days_27d_lag_1, 0.02::float8), 1000.0::float8) end, 0)) - -2.0) * 25.0::float8 when ((ln(case when hrv_mean_1d > 0 then hrv_mean_1d end) - hrv_ln_mean_of_days_27d_lag_1) / nullif(case when hrv_ln_std_of_days_27d_lag_1 is not null then least(greatest(hrv_ln_std_of_days_27d_lag_1, 0.02::float8), 1000.0::float8) end, 0)) is not null then 100.0::float8 end end as heart_rate_variability_points,
        resting_heart_rate_mean_1d as resting_heart_rate_value,
        case when resting_heart_rate_days_27d_lag_1 >= 7.0 then case when ((resting_heart_rate_mean_of_days_27d_lag_1 - resting_heart_rate_mean_1d) / nullif(case when resting_heart_rate_std_of_days_27d_lag_1 is not null then least(greatest(resting_heart_rate_std_of_days_27d_lag_1, 0.5::float8), 1000.0::float8) end, 0)) <= -2.0 then 0.0::float8 when ((resting_heart_rate_mean_of_days_27d_lag_1 - resting_heart_rate_mean_1d) / nullif(case when resting_heart_rate_std_of_days_27d_lag_1 is not null then least(greatest(resting_heart_rate_std_of_days_27d_lag_1, 0.5::float8), 1000.0::float8) end, 0)) <= 2.0 then 0.0::float8 + (((resting_heart_rate_mean_of_days_27d_lag_1 - resting_heart_rate_mean_1d) / nullif(case when resting_heart_rate_std_of_days_27d_lag_1 is not null then least(greatest(resting_heart_rate_std_of_days_27d_lag_1, 0.5::float8), 1000.0::float8) end, 0)) - -2.0) * 25.0::float8 when ((resting_heart_rate_mean_of_days_27d_lag_1 - resting_heart_rate_mean_1d) / nullif(case when resting_heart_rate_std_of_days_27d_lag_1 is not null then least(greatest(resting_heart_rate_std_of_days_27d_lag_1, 0.5::float8), 1000.0::float8) end, 0)) is not null then 100.0::float8 end end as resting_heart_rate_points,
        sleep_efficiency_mean_1d as sleep_efficiency_value,
        case when sleep_efficiency_days_27d_lag_1 >= 7.0 then case when ((sleep_efficiency_mean_1d - sleep_efficiency_mean_of_days_27d_lag_1) / nullif(case when sleep_efficiency_std_of_days_27d_lag_1 is not null then least(greatest(sleep_efficiency_std_of_days_27d_lag_1, 0.5::float8), 1000.0::float8) end, 0)) <= -2.0 then 0.0::float8 when ((sleep_efficiency_mean_1d - sleep_efficiency_mean_of_days_27d_lag_1) / nullif(case when sleep_efficiency_std_of_days_27d_lag_1 is not null then least(greatest(sleep_efficiency_std_of_days_27d_lag_1, 0.5::float8), 1000.0::float8) end, 0)) <= 2.0 then 0.0::float8 + (((sleep_efficiency_mean_1d - sleep_efficiency_mean_of_days_27d_lag_1) / nullif(case when sleep_efficiency_std_of_days_27d_lag_1 is not null then least(greatest(sleep_efficiency_std_of_days_27d_lag_1, 0.5::float8), 1000.0::float8) end, 0)) - -2.0) * 25.0::float8 when ((sleep_efficiency_mean_1d - sleep_efficiency_mean_of_days_27d_lag_1) / nullif(case when sleep_efficiency_std_of_days_27d_lag_1 is not null then least(greatest(sleep_efficiency_std_of_days_27d_lag_1, 0.5::float8), 1000.0::float8) end, 0)) is not null then 100.0::float8 end end as sleep_efficiency_points

    from inputs

),

judged as (

    select
        *,
        case when greatest(coalesce(hrv_days_27d_lag_1, 0), coalesce(resting_heart_rate_days_27d_lag_1, 0)) < 14 and (num_nonnulls(heart_rate_variability_value, resting_heart_rate_value, sleep_efficiency_value) < 1 or num_nonnulls(heart_rate_variability_value, resting_heart_rate_value) = 0) then 'UNSCORABLE' when greatest(coalesce(hrv_days_27d_lag_1, 0), coalesce(resting_heart_rate_days_27d_lag_1, 0)) < 14 then 'CALIBRATING' when num_nonnulls(heart_rate_variability_points, resting_heart_rate_points, sleep_efficiency_points) < 1 or num_nonnulls(heart_rate_variability_points, resting_heart_rate_points) = 0 then 'UNSCORABLE' else 'SCORED' end as score_state,
        case when heart_rate_variability_points is not null then 40.0::float8 else 0 end + case when resting_heart_rate_points is not null then 30.0::float8 else 0 end + case when sleep_efficiency_points is not null then 30.0::float8 else 0 end as known_weight

    from points

),

scores as (

    select
        user_id,
        local_date,
        case when score_state = 'SCORED' then least(greatest((coalesce(heart_rate_variability_points * 40.0::float8, 0) + coalesce(resting_heart_rate_points * 30.0::float8, 0) + coalesce(sleep_efficiency_points * 30.0::float8, 0)) / known_weight, 0), 100) end as score,
        score_state,
        known_weight / 100.0::float8 as coverage,
        jsonb_build_array(jsonb_build_object('name', 'heart_rate_variability', 'value', heart_rate_variability_value, 'unit', 'ms', 'goal', 'above your usual', 'points', heart_rate_variability_points, 'weight', 40.0::float8, 'contribution', heart_rate_variability_points * 40.0::float8 / nullif(known_weight, 0)), jsonb_build_object('name', 'resting_heart_rate', 'value', resting_heart_rate_value, 'unit', 'bpm', 'goal', 'below your usual', 'points', resting_heart_rate_points, 'weight', 30.0::float8, 'contribution', resting_heart_rate_points * 30.0::float8 / nullif(known_weight, 0)), jsonb_build_object('name', 'sleep_efficiency', 'value', sleep_efficiency_value, 'unit', '%', 'goal', 'above your usual', 'points', sleep_efficiency_points, 'weight', 30.0::float8, 'contribution', sleep_efficiency_points * 30.0::float8 / nullif(known_weight, 0))) as factors,
        2 as version,
        as_of,
        tz

    from judged

)

select * from scores
