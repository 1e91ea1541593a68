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
        max(tiles.last_at) filter (where tiles.measure = 'meals') as meals_today_last_at,
        max(tiles.total) filter (where tiles.measure = 'caffeine') as caffeine_today_total, max(tiles.last_at) filter (where tiles.measure = 'caffeine') as caffeine_today_last_at,
        max(tiles.total) filter (where tiles.measure = 'alcohol') as alcohol_today_total

    from moments
    inner join {{ ref('int_tiles') }} as tiles
        on
            moments.user_id = tiles.user_id
            and moments.local_date = tiles.local_date
            and moments.as_of >= tiles.valid_from
            and moments.as_of < tiles.valid_until
    where tiles.measure in ('meals', 'caffeine', 'alcohol')
    group by moments.user_id, moments.local_date, moments.as_of, moments.precision

),

known_moments as (

    {{ moments_with_known_by(['meals', 'caffeine', 'alcohol'], first_day=27) }}

),

days as (

    select distinct user_id, local_date, known_by, day_number from known_moments

),

earlier as materialized (

    select
        days.day_number,
        meals.*,
        caffeine.*,
        alcohol.*

    from days
    cross join lateral (select max(last_at) as meals_last_at_2d from {{ tiles_before('meals', first_day=1) }}) as meals
    cross join lateral (select sum(total) as caffeine_total_27d_lag_1, count(*) as caffeine_days_27d_lag_1, max(last_at) filter (where days_ago between 1 and 2) as caffeine_last_at_3d from {{ tiles_before('caffeine', first_day=27) }}) as caffeine
    cross join lateral (select sum(total) as alcohol_total_2d, sum(total) as alcohol_total_1d_lag_1 from {{ tiles_before('alcohol', first_day=1) }}) as alcohol

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
