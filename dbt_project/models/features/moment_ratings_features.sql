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
        energy_ewma_28d as energy_ewma_28d,
        energy_mean_7d as energy_rolling_mean_7d,
        energy_std_7d as energy_rolling_std_7d,
        energy_mean_28d as energy_mean_28d,
        energy_mean_2d as energy_mean_2d,
        energy_last_28d as energy_last_28d,
        case when (moments.local_seconds / 3600::float8) >= 0.0 and (moments.local_seconds / 3600::float8) < 6.0 then energy_night_mean_28d when (moments.local_seconds / 3600::float8) >= 6.0 and (moments.local_seconds / 3600::float8) < 12.0 then energy_morning_mean_28d when (moments.local_seconds / 3600::float8) >= 12.0 and (moments.local_seconds / 3600::float8) < 18.0 then energy_afternoon_mean_28d when (moments.local_seconds / 3600::float8) >= 18.0 and (moments.local_seconds / 3600::float8) < 24.0 then energy_evening_mean_28d end as energy_daypart_mean_28d,
        mood_slope_14d as mood_trend_last_14d,
        mood_ewma_28d as mood_ewma_28d,
        mood_mean_28d as mood_mean_28d,
        mood_last_28d as mood_last_28d,
        case when (moments.local_seconds / 3600::float8) >= 0.0 and (moments.local_seconds / 3600::float8) < 6.0 then mood_night_mean_28d when (moments.local_seconds / 3600::float8) >= 6.0 and (moments.local_seconds / 3600::float8) < 12.0 then mood_morning_mean_28d when (moments.local_seconds / 3600::float8) >= 12.0 and (moments.local_seconds / 3600::float8) < 18.0 then mood_afternoon_mean_28d when (moments.local_seconds / 3600::float8) >= 18.0 and (moments.local_seconds / 3600::float8) < 24.0 then mood_evening_mean_28d end as mood_daypart_mean_28d,
        mood_very_negative_ewma_28d as mood_very_negative_ewma_28d,
        mood_negative_ewma_28d as mood_negative_ewma_28d,
        mood_neutral_ewma_28d as mood_neutral_ewma_28d,
        mood_positive_ewma_28d as mood_positive_ewma_28d,
        mood_very_positive_ewma_28d as mood_very_positive_ewma_28d,
        stress_mean_2d as stress_mean_2d,
        stress_mean_28d as stress_mean_28d

    from moments
    cross join lateral (
        select
            sum(power(0.7::float8, day_rank) * (total::float8 / n / 1000::float8)) filter (where days_ago between 0 and 27) / sum(power(0.7::float8, day_rank)) filter (where days_ago between 0 and 27) as energy_ewma_28d,
            sum(total) filter (where days_ago between 0 and 6)::float8 / sum(n) filter (where days_ago between 0 and 6)::float8 / 1000::float8 as energy_mean_7d,
            case when sum(n) filter (where days_ago between 0 and 6) > 1 then sqrt( (sum(n) filter (where days_ago between 0 and 6) * sum(squares) filter (where days_ago between 0 and 6) - sum(total) filter (where days_ago between 0 and 6) * sum(total) filter (where days_ago between 0 and 6))::float8 / (sum(n) filter (where days_ago between 0 and 6) * (sum(n) filter (where days_ago between 0 and 6) - 1))::float8 ) / 1000::float8 end as energy_std_7d,
            sum(total) filter (where days_ago between 0 and 27)::float8 / sum(n) filter (where days_ago between 0 and 27)::float8 / 1000::float8 as energy_mean_28d,
            sum(total) filter (where days_ago between 0 and 1)::float8 / sum(n) filter (where days_ago between 0 and 1)::float8 / 1000::float8 as energy_mean_2d,
            (max(array[-days_ago, last_value]) filter (where days_ago between 0 and 27))[2]::float8 / 1000::float8 as energy_last_28d
        from {{ tiles_of_window('energy', first_day=27, has_rank=true) }}
    ) as energy
    cross join lateral (
        select sum(total) filter (where days_ago between 0 and 27)::float8 / sum(n) filter (where days_ago between 0 and 27)::float8 / 1000::float8 as energy_night_mean_28d from {{ tiles_of_window('energy_night', first_day=27) }}
    ) as energy_night
    cross join lateral (
        select sum(total) filter (where days_ago between 0 and 27)::float8 / sum(n) filter (where days_ago between 0 and 27)::float8 / 1000::float8 as energy_morning_mean_28d from {{ tiles_of_window('energy_morning', first_day=27) }}
    ) as energy_morning
    cross join lateral (
        select sum(total) filter (where days_ago between 0 and 27)::float8 / sum(n) filter (where days_ago between 0 and 27)::float8 / 1000::float8 as energy_afternoon_mean_28d from {{ tiles_of_window('energy_afternoon', first_day=27) }}
    ) as energy_afternoon
    cross join lateral (
        select sum(total) filter (where days_ago between 0 and 27)::float8 / sum(n) filter (where days_ago between 0 and 27)::float8 / 1000::float8 as energy_evening_mean_28d from {{ tiles_of_window('energy_evening', first_day=27) }}
    ) as energy_evening
    cross join lateral (
        select
            case when count(*) filter (where days_ago between 0 and 13) >= 3 then ( count(*) filter (where days_ago between 0 and 13) * sum(-days_ago * (total::float8 / n / 1000::float8)) filter (where days_ago between 0 and 13) - sum(-days_ago) filter (where days_ago between 0 and 13) * sum((total::float8 / n / 1000::float8)) filter (where days_ago between 0 and 13) ) / (count(*) filter (where days_ago between 0 and 13) * sum(days_ago * days_ago) filter (where days_ago between 0 and 13) - sum(-days_ago) filter (where days_ago between 0 and 13) * sum(-days_ago) filter (where days_ago between 0 and 13)) end as mood_slope_14d,
            sum(power(0.7::float8, day_rank) * (total::float8 / n / 1000::float8)) filter (where days_ago between 0 and 27) / sum(power(0.7::float8, day_rank)) filter (where days_ago between 0 and 27) as mood_ewma_28d,
            sum(total) filter (where days_ago between 0 and 27)::float8 / sum(n) filter (where days_ago between 0 and 27)::float8 / 1000::float8 as mood_mean_28d,
            (max(array[-days_ago, last_value]) filter (where days_ago between 0 and 27))[2]::float8 / 1000::float8 as mood_last_28d
        from {{ tiles_of_window('mood', first_day=27, has_rank=true) }}
    ) as mood
    cross join lateral (
        select sum(total) filter (where days_ago between 0 and 27)::float8 / sum(n) filter (where days_ago between 0 and 27)::float8 / 1000::float8 as mood_night_mean_28d from {{ tiles_of_window('mood_night', first_day=27) }}
    ) as mood_night
    cross join lateral (
        select sum(total) filter (where days_ago between 0 and 27)::float8 / sum(n) filter (where days_ago between 0 and 27)::float8 / 1000::float8 as mood_morning_mean_28d from {{ tiles_of_window('mood_morning', first_day=27) }}
    ) as mood_morning
    cross join lateral (
        select sum(total) filter (where days_ago between 0 and 27)::float8 / sum(n) filter (where days_ago between 0 and 27)::float8 / 1000::float8 as mood_afternoon_mean_28d from {{ tiles_of_window('mood_afternoon', first_day=27) }}
    ) as mood_afternoon
    cross join lateral (
        select sum(total) filter (where days_ago between 0 and 27)::float8 / sum(n) filter (where days_ago between 0 and 27)::float8 / 1000::float8 as mood_evening_mean_28d from {{ tiles_of_window('mood_evening', first_day=27) }}
    ) as mood_evening
    cross join lateral (
        select sum(power(0.7::float8, day_rank) * (total::float8 / n / 1::float8)) filter (where days_ago between 0 and 27) / sum(power(0.7::float8, day_rank)) filter (where days_ago between 0 and 27) as mood_very_negative_ewma_28d from {{ tiles_of_window('mood_very_negative', first_day=27, has_rank=true) }}
    ) as mood_very_negative
    cross join lateral (
        select sum(power(0.7::float8, day_rank) * (total::float8 / n / 1::float8)) filter (where days_ago between 0 and 27) / sum(power(0.7::float8, day_rank)) filter (where days_ago between 0 and 27) as mood_negative_ewma_28d from {{ tiles_of_window('mood_negative', first_day=27, has_rank=true) }}
    ) as mood_negative
    cross join lateral (
        select sum(power(0.7::float8, day_rank) * (total::float8 / n / 1::float8)) filter (where days_ago between 0 and 27) / sum(power(0.7::float8, day_rank)) filter (where days_ago between 0 and 27) as mood_neutral_ewma_28d from {{ tiles_of_window('mood_neutral', first_day=27, has_rank=true) }}
    ) as mood_neutral
    cross join lateral (
        select sum(power(0.7::float8, day_rank) * (total::float8 / n / 1::float8)) filter (where days_ago between 0 and 27) / sum(power(0.7::float8, day_rank)) filter (where days_ago between 0 and 27) as mood_positive_ewma_28d from {{ tiles_of_window('mood_positive', first_day=27, has_rank=true) }}
    ) as mood_positive
    cross join lateral (
        select sum(power(0.7::float8, day_rank) * (total::float8 / n / 1::float8)) filter (where days_ago between 0 and 27) / sum(power(0.7::float8, day_rank)) filter (where days_ago between 0 and 27) as mood_very_positive_ewma_28d from {{ tiles_of_window('mood_very_positive', first_day=27, has_rank=true) }}
    ) as mood_very_positive
    cross join lateral (
        select
            sum(total) filter (where days_ago between 0 and 1)::float8 / sum(n) filter (where days_ago between 0 and 1)::float8 / 1000::float8 as stress_mean_2d,
            sum(total) filter (where days_ago between 0 and 27)::float8 / sum(n) filter (where days_ago between 0 and 27)::float8 / 1000::float8 as stress_mean_28d
        from {{ tiles_of_window('stress', first_day=27) }}
    ) as stress

)

select * from features
