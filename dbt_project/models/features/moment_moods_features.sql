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
        max(tiles.n) filter (where tiles.measure = 'mood') as mood_today_n, max(tiles.total) filter (where tiles.measure = 'mood') as mood_today_total, max(tiles.last_value) filter (where tiles.measure = 'mood') as mood_today_last_value,
        max(tiles.n) filter (where tiles.measure = 'mood_night') as mood_night_today_n, max(tiles.total) filter (where tiles.measure = 'mood_night') as mood_night_today_total,
        max(tiles.n) filter (where tiles.measure = 'mood_morning') as mood_morning_today_n, max(tiles.total) filter (where tiles.measure = 'mood_morning') as mood_morning_today_total,
        max(tiles.n) filter (where tiles.measure = 'mood_afternoon') as mood_afternoon_today_n, max(tiles.total) filter (where tiles.measure = 'mood_afternoon') as mood_afternoon_today_total,
        max(tiles.n) filter (where tiles.measure = 'mood_evening') as mood_evening_today_n, max(tiles.total) filter (where tiles.measure = 'mood_evening') as mood_evening_today_total,
        max(tiles.n) filter (where tiles.measure = 'mood_very_negative') as mood_very_negative_today_n, max(tiles.total) filter (where tiles.measure = 'mood_very_negative') as mood_very_negative_today_total,
        max(tiles.n) filter (where tiles.measure = 'mood_negative') as mood_negative_today_n, max(tiles.total) filter (where tiles.measure = 'mood_negative') as mood_negative_today_total,
        max(tiles.n) filter (where tiles.measure = 'mood_neutral') as mood_neutral_today_n, max(tiles.total) filter (where tiles.measure = 'mood_neutral') as mood_neutral_today_total,
        max(tiles.n) filter (where tiles.measure = 'mood_positive') as mood_positive_today_n, max(tiles.total) filter (where tiles.measure = 'mood_positive') as mood_positive_today_total,
        max(tiles.n) filter (where tiles.measure = 'mood_very_positive') as mood_very_positive_today_n, max(tiles.total) filter (where tiles.measure = 'mood_very_positive') as mood_very_positive_today_total

    from moments
    inner join {{ ref('int_tiles') }} as tiles
        on
            moments.user_id = tiles.user_id
            and moments.local_date = tiles.local_date
            and moments.as_of >= tiles.valid_from
            and moments.as_of < tiles.valid_until
    where tiles.measure in ('mood', 'mood_night', 'mood_morning', 'mood_afternoon', 'mood_evening', 'mood_very_negative', 'mood_negative', 'mood_neutral', 'mood_positive', 'mood_very_positive')
    group by moments.user_id, moments.local_date, moments.as_of, moments.precision

),

known_moments as (

    {{ moments_with_known_by(['mood', 'mood_night', 'mood_morning', 'mood_afternoon', 'mood_evening', 'mood_very_negative', 'mood_negative', 'mood_neutral', 'mood_positive', 'mood_very_positive'], first_day=27) }}

),

days as (

    select distinct user_id, local_date, known_by, day_number from known_moments

),

earlier as materialized (

    select
        days.day_number,
        mood.*,
        mood_night.*,
        mood_morning.*,
        mood_afternoon.*,
        mood_evening.*,
        mood_very_negative.*,
        mood_negative.*,
        mood_neutral.*,
        mood_positive.*,
        mood_very_positive.*

    from days
    cross join lateral (select count(*) filter (where days_ago between 1 and 13) as mood_days_14d, sum(-days_ago * (total::float8 / n / 1000::float8)) filter (where days_ago between 1 and 13) as mood_xy_14d, sum(-days_ago) filter (where days_ago between 1 and 13) as mood_x_14d, sum((total::float8 / n / 1000::float8)) filter (where days_ago between 1 and 13) as mood_means_14d, sum(days_ago * days_ago) filter (where days_ago between 1 and 13) as mood_xx_14d, sum(power(0.7::float8, day_rank) * (total::float8 / n / 1000::float8)) as mood_weighted_28d, count(*) as mood_days_28d, sum(total) as mood_total_28d, sum(n) as mood_n_28d, (max(array[-days_ago, last_value]) )[2] as mood_last_value_28d from {{ tiles_before('mood', first_day=27, has_rank=true) }}) as mood
    cross join lateral (select sum(total) as mood_night_total_28d, sum(n) as mood_night_n_28d from {{ tiles_before('mood_night', first_day=27) }}) as mood_night
    cross join lateral (select sum(total) as mood_morning_total_28d, sum(n) as mood_morning_n_28d from {{ tiles_before('mood_morning', first_day=27) }}) as mood_morning
    cross join lateral (select sum(total) as mood_afternoon_total_28d, sum(n) as mood_afternoon_n_28d from {{ tiles_before('mood_afternoon', first_day=27) }}) as mood_afternoon
    cross join lateral (select sum(total) as mood_evening_total_28d, sum(n) as mood_evening_n_28d from {{ tiles_before('mood_evening', first_day=27) }}) as mood_evening
    cross join lateral (select sum(power(0.7::float8, day_rank) * (total::float8 / n / 1::float8)) as mood_very_negative_weighted_28d, count(*) as mood_very_negative_days_28d from {{ tiles_before('mood_very_negative', first_day=27, has_rank=true) }}) as mood_very_negative
    cross join lateral (select sum(power(0.7::float8, day_rank) * (total::float8 / n / 1::float8)) as mood_negative_weighted_28d, count(*) as mood_negative_days_28d from {{ tiles_before('mood_negative', first_day=27, has_rank=true) }}) as mood_negative
    cross join lateral (select sum(power(0.7::float8, day_rank) * (total::float8 / n / 1::float8)) as mood_neutral_weighted_28d, count(*) as mood_neutral_days_28d from {{ tiles_before('mood_neutral', first_day=27, has_rank=true) }}) as mood_neutral
    cross join lateral (select sum(power(0.7::float8, day_rank) * (total::float8 / n / 1::float8)) as mood_positive_weighted_28d, count(*) as mood_positive_days_28d from {{ tiles_before('mood_positive', first_day=27, has_rank=true) }}) as mood_positive
    cross join lateral (select sum(power(0.7::float8, day_rank) * (total::float8 / n / 1::float8)) as mood_very_positive_weighted_28d, count(*) as mood_very_positive_days_28d from {{ tiles_before('mood_very_positive', first_day=27, has_rank=true) }}) as mood_very_positive

),

windows as (

    select
        moments.*,
        case when (coalesce(mood_days_14d, 0) + (mood_today_n is not null)::integer) >= 3 then ( (coalesce(mood_days_14d, 0) + (mood_today_n is not null)::integer) * (mood_xy_14d) - (mood_x_14d) * (coalesce(mood_means_14d + (mood_today_total::float8 / mood_today_n / 1000::float8), mood_means_14d, (mood_today_total::float8 / mood_today_n / 1000::float8))) ) / ((coalesce(mood_days_14d, 0) + (mood_today_n is not null)::integer) * (mood_xx_14d) - (mood_x_14d) * (mood_x_14d)) end as mood_slope_14d,
        (case when mood_today_n is not null then (mood_today_total::float8 / mood_today_n / 1000::float8) + 0.7::float8 * coalesce(mood_weighted_28d, 0) else mood_weighted_28d end) * 0.30000000000000004::float8 / (1 - power(0.7::float8, (coalesce(mood_days_28d, 0) + (mood_today_n is not null)::integer))) as mood_ewma_28d,
        (coalesce(mood_total_28d + mood_today_total, mood_total_28d, mood_today_total))::float8 / (coalesce(mood_n_28d + mood_today_n, mood_n_28d, mood_today_n))::float8 / 1000::float8 as mood_mean_28d,
        (coalesce(mood_today_last_value, mood_last_value_28d))::float8 / 1000::float8 as mood_last_28d,
        (coalesce(mood_night_total_28d + mood_night_today_total, mood_night_total_28d, mood_night_today_total))::float8 / (coalesce(mood_night_n_28d + mood_night_today_n, mood_night_n_28d, mood_night_today_n))::float8 / 1000::float8 as mood_night_mean_28d,
        (coalesce(mood_morning_total_28d + mood_morning_today_total, mood_morning_total_28d, mood_morning_today_total))::float8 / (coalesce(mood_morning_n_28d + mood_morning_today_n, mood_morning_n_28d, mood_morning_today_n))::float8 / 1000::float8 as mood_morning_mean_28d,
        (coalesce(mood_afternoon_total_28d + mood_afternoon_today_total, mood_afternoon_total_28d, mood_afternoon_today_total))::float8 / (coalesce(mood_afternoon_n_28d + mood_afternoon_today_n, mood_afternoon_n_28d, mood_afternoon_today_n))::float8 / 1000::float8 as mood_afternoon_mean_28d,
        (coalesce(mood_evening_total_28d + mood_evening_today_total, mood_evening_total_28d, mood_evening_today_total))::float8 / (coalesce(mood_evening_n_28d + mood_evening_today_n, mood_evening_n_28d, mood_evening_today_n))::float8 / 1000::float8 as mood_evening_mean_28d,
        (case when mood_very_negative_today_n is not null then (mood_very_negative_today_total::float8 / mood_very_negative_today_n / 1::float8) + 0.7::float8 * coalesce(mood_very_negative_weighted_28d, 0) else mood_very_negative_weighted_28d end) * 0.30000000000000004::float8 / (1 - power(0.7::float8, (coalesce(mood_very_negative_days_28d, 0) + (mood_very_negative_today_n is not null)::integer))) as mood_very_negative_ewma_28d,
        (case when mood_negative_today_n is not null then (mood_negative_today_total::float8 / mood_negative_today_n / 1::float8) + 0.7::float8 * coalesce(mood_negative_weighted_28d, 0) else mood_negative_weighted_28d end) * 0.30000000000000004::float8 / (1 - power(0.7::float8, (coalesce(mood_negative_days_28d, 0) + (mood_negative_today_n is not null)::integer))) as mood_negative_ewma_28d,
        (case when mood_neutral_today_n is not null then (mood_neutral_today_total::float8 / mood_neutral_today_n / 1::float8) + 0.7::float8 * coalesce(mood_neutral_weighted_28d, 0) else mood_neutral_weighted_28d end) * 0.30000000000000004::float8 / (1 - power(0.7::float8, (coalesce(mood_neutral_days_28d, 0) + (mood_neutral_today_n is not null)::integer))) as mood_neutral_ewma_28d,
        (case when mood_positive_today_n is not null then (mood_positive_today_total::float8 / mood_positive_today_n / 1::float8) + 0.7::float8 * coalesce(mood_positive_weighted_28d, 0) else mood_positive_weighted_28d end) * 0.30000000000000004::float8 / (1 - power(0.7::float8, (coalesce(mood_positive_days_28d, 0) + (mood_positive_today_n is not null)::integer))) as mood_positive_ewma_28d,
        (case when mood_very_positive_today_n is not null then (mood_very_positive_today_total::float8 / mood_very_positive_today_n / 1::float8) + 0.7::float8 * coalesce(mood_very_positive_weighted_28d, 0) else mood_very_positive_weighted_28d end) * 0.30000000000000004::float8 / (1 - power(0.7::float8, (coalesce(mood_very_positive_days_28d, 0) + (mood_very_positive_today_n is not null)::integer))) as mood_very_positive_ewma_28d

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
        mood_slope_14d as mood_trend_last_14d,
        mood_ewma_28d as mood_ewma_28d,
        mood_mean_28d as mood_mean_28d,
        mood_last_28d as mood_last_28d,
        case when (moments.local_seconds / 3600::float8) >= 0.0 and (moments.local_seconds / 3600::float8) < 6.0 then mood_night_mean_28d when (moments.local_seconds / 3600::float8) >= 6.0 and (moments.local_seconds / 3600::float8) < 12.0 then mood_morning_mean_28d when (moments.local_seconds / 3600::float8) >= 12.0 and (moments.local_seconds / 3600::float8) < 18.0 then mood_afternoon_mean_28d when (moments.local_seconds / 3600::float8) >= 18.0 and (moments.local_seconds / 3600::float8) < 24.0 then mood_evening_mean_28d end as mood_daypart_mean_28d,
        mood_very_negative_ewma_28d as mood_very_negative_ewma_28d,
        mood_negative_ewma_28d as mood_negative_ewma_28d,
        mood_neutral_ewma_28d as mood_neutral_ewma_28d,
        mood_positive_ewma_28d as mood_positive_ewma_28d,
        mood_very_positive_ewma_28d as mood_very_positive_ewma_28d

    from windows as moments

)

select * from features
