-- Written by `aurora generate` from aurora/features/catalogue.py; do not edit.
-- sqlfluff:max_line_length:0
{{ config(pre_hook="set local enable_mergejoin = off; set local work_mem = '64MB'", post_hook='{{ analyze_if_grown() }}') }}

with

-- Not materialized: of a table Postgres knows how many rows there are.
moments as not materialized (

    select * from {{ ref('int_rebuilt_moments') }}

),

todays_tiles as (

    {{ todays_tiles('int_rating_tiles', {'mood': ['n', 'total', 'last_value'], 'mood_night': ['n', 'total'], 'mood_morning': ['n', 'total'], 'mood_afternoon': ['n', 'total'], 'mood_evening': ['n', 'total'], 'mood_very_negative': ['n', 'total'], 'mood_negative': ['n', 'total'], 'mood_neutral': ['n', 'total'], 'mood_positive': ['n', 'total'], 'mood_very_positive': ['n', 'total']}) }}

),

known_moments as (

    {{ known_moments('moods') }}

),

days as (

    select distinct user_id, local_date, known_by, known_number, is_framed from known_moments

),

days_in_order as (

    {{ newest_tiles('int_rating_tiles', {'mood': ['n', 'total', 'last_value'], 'mood_night': ['n', 'total'], 'mood_morning': ['n', 'total'], 'mood_afternoon': ['n', 'total'], 'mood_evening': ['n', 'total'], 'mood_very_negative': ['n', 'total'], 'mood_negative': ['n', 'total'], 'mood_neutral': ['n', 'total'], 'mood_positive': ['n', 'total'], 'mood_very_positive': ['n', 'total']}, first_day=27) }}

),

framed as (

    select
        known_number,
        count(mood_n) over days_1_to_13_before as mood_days_14d, sum(day * (mood_total::float8 / mood_n / 1000::float8)) over days_1_to_13_before - day * sum((mood_total::float8 / mood_n / 1000::float8)) over days_1_to_13_before as mood_xy_14d, sum(day) filter (where mood_n is not null) over days_1_to_13_before - day * count(mood_n) over days_1_to_13_before as mood_x_14d, sum((mood_total::float8 / mood_n / 1000::float8)) over days_1_to_13_before as mood_means_14d, sum(day * day) filter (where mood_n is not null) over days_1_to_13_before - 2 * day * sum(day) filter (where mood_n is not null) over days_1_to_13_before + day * day * count(mood_n) over days_1_to_13_before as mood_xx_14d, array_agg((mood_total::float8 / mood_n / 1000::float8)) filter (where mood_n is not null) over days_1_to_27_before as mood_weighted_28d, count(mood_n) over days_1_to_27_before as mood_days_28d, sum(mood_total) over days_1_to_27_before as mood_total_28d, sum(mood_n) over days_1_to_27_before as mood_n_28d, (array_agg(mood_last_value) filter (where mood_n is not null) over days_1_to_27_before)[1] as mood_last_value_28d,
        sum(mood_night_total) over days_1_to_27_before as mood_night_total_28d, sum(mood_night_n) over days_1_to_27_before as mood_night_n_28d,
        sum(mood_morning_total) over days_1_to_27_before as mood_morning_total_28d, sum(mood_morning_n) over days_1_to_27_before as mood_morning_n_28d,
        sum(mood_afternoon_total) over days_1_to_27_before as mood_afternoon_total_28d, sum(mood_afternoon_n) over days_1_to_27_before as mood_afternoon_n_28d,
        sum(mood_evening_total) over days_1_to_27_before as mood_evening_total_28d, sum(mood_evening_n) over days_1_to_27_before as mood_evening_n_28d,
        array_agg((mood_very_negative_total::float8 / mood_very_negative_n / 1::float8)) filter (where mood_very_negative_n is not null) over days_1_to_27_before as mood_very_negative_weighted_28d, count(mood_very_negative_n) over days_1_to_27_before as mood_very_negative_days_28d,
        array_agg((mood_negative_total::float8 / mood_negative_n / 1::float8)) filter (where mood_negative_n is not null) over days_1_to_27_before as mood_negative_weighted_28d, count(mood_negative_n) over days_1_to_27_before as mood_negative_days_28d,
        array_agg((mood_neutral_total::float8 / mood_neutral_n / 1::float8)) filter (where mood_neutral_n is not null) over days_1_to_27_before as mood_neutral_weighted_28d, count(mood_neutral_n) over days_1_to_27_before as mood_neutral_days_28d,
        array_agg((mood_positive_total::float8 / mood_positive_n / 1::float8)) filter (where mood_positive_n is not null) over days_1_to_27_before as mood_positive_weighted_28d, count(mood_positive_n) over days_1_to_27_before as mood_positive_days_28d,
        array_agg((mood_very_positive_total::float8 / mood_very_positive_n / 1::float8)) filter (where mood_very_positive_n is not null) over days_1_to_27_before as mood_very_positive_weighted_28d, count(mood_very_positive_n) over days_1_to_27_before as mood_very_positive_days_28d

    from days_in_order
    window
        newest_first as (partition by user_id order by day desc),
        days_1_to_13_before as (newest_first range between 1 following and 13 following),
        days_1_to_27_before as (newest_first range between 1 following and 27 following)

),

held as (

    select * from framed
    where known_number is not null
    union all
    select days.known_number, looked_up.*
    from (select * from days where not is_framed order by user_id, local_date) as days
    cross join lateral (
        select count(n) filter (where measure = 'mood' and days_ago between 1 and 13) as mood_days_14d, (sum(day * (total::float8 / n / 1000::float8) order by days_ago) filter (where measure = 'mood' and days_ago between 1 and 13) - max(day + days_ago) filter (where measure = 'mood' and days_ago between 1 and 13) * sum((total::float8 / n / 1000::float8) order by days_ago) filter (where measure = 'mood' and days_ago between 1 and 13)) as mood_xy_14d, sum(-days_ago) filter (where measure = 'mood' and days_ago between 1 and 13) as mood_x_14d, sum((total::float8 / n / 1000::float8) order by days_ago) filter (where measure = 'mood' and days_ago between 1 and 13) as mood_means_14d, sum(days_ago * days_ago) filter (where measure = 'mood' and days_ago between 1 and 13) as mood_xx_14d, array_agg((total::float8 / n / 1000::float8) order by days_ago) filter (where measure = 'mood' and days_ago between 1 and 27) as mood_weighted_28d, count(n) filter (where measure = 'mood' and days_ago between 1 and 27) as mood_days_28d, sum(total) filter (where measure = 'mood' and days_ago between 1 and 27) as mood_total_28d, sum(n) filter (where measure = 'mood' and days_ago between 1 and 27) as mood_n_28d, (max(array[-days_ago, last_value]) filter (where measure = 'mood' and days_ago between 1 and 27))[2] as mood_last_value_28d, sum(total) filter (where measure = 'mood_night' and days_ago between 1 and 27) as mood_night_total_28d, sum(n) filter (where measure = 'mood_night' and days_ago between 1 and 27) as mood_night_n_28d, sum(total) filter (where measure = 'mood_morning' and days_ago between 1 and 27) as mood_morning_total_28d, sum(n) filter (where measure = 'mood_morning' and days_ago between 1 and 27) as mood_morning_n_28d, sum(total) filter (where measure = 'mood_afternoon' and days_ago between 1 and 27) as mood_afternoon_total_28d, sum(n) filter (where measure = 'mood_afternoon' and days_ago between 1 and 27) as mood_afternoon_n_28d, sum(total) filter (where measure = 'mood_evening' and days_ago between 1 and 27) as mood_evening_total_28d, sum(n) filter (where measure = 'mood_evening' and days_ago between 1 and 27) as mood_evening_n_28d, array_agg((total::float8 / n / 1::float8) order by days_ago) filter (where measure = 'mood_very_negative' and days_ago between 1 and 27) as mood_very_negative_weighted_28d, count(n) filter (where measure = 'mood_very_negative' and days_ago between 1 and 27) as mood_very_negative_days_28d, array_agg((total::float8 / n / 1::float8) order by days_ago) filter (where measure = 'mood_negative' and days_ago between 1 and 27) as mood_negative_weighted_28d, count(n) filter (where measure = 'mood_negative' and days_ago between 1 and 27) as mood_negative_days_28d, array_agg((total::float8 / n / 1::float8) order by days_ago) filter (where measure = 'mood_neutral' and days_ago between 1 and 27) as mood_neutral_weighted_28d, count(n) filter (where measure = 'mood_neutral' and days_ago between 1 and 27) as mood_neutral_days_28d, array_agg((total::float8 / n / 1::float8) order by days_ago) filter (where measure = 'mood_positive' and days_ago between 1 and 27) as mood_positive_weighted_28d, count(n) filter (where measure = 'mood_positive' and days_ago between 1 and 27) as mood_positive_days_28d, array_agg((total::float8 / n / 1::float8) order by days_ago) filter (where measure = 'mood_very_positive' and days_ago between 1 and 27) as mood_very_positive_weighted_28d, count(n) filter (where measure = 'mood_very_positive' and days_ago between 1 and 27) as mood_very_positive_days_28d
        from {{ tiles_before('int_rating_tiles', ['mood', 'mood_night', 'mood_morning', 'mood_afternoon', 'mood_evening', 'mood_very_negative', 'mood_negative', 'mood_neutral', 'mood_positive', 'mood_very_positive'], first_day=27) }}
    ) as looked_up

),

earlier as materialized (

    select
        known_number,
        mood_days_14d, mood_xy_14d, mood_x_14d, mood_means_14d, mood_xx_14d, case when mood_weighted_28d is not null then coalesce((mood_weighted_28d)[1], 0) * power(0.7::float8, 0) + coalesce((mood_weighted_28d)[2], 0) * power(0.7::float8, 1) + coalesce((mood_weighted_28d)[3], 0) * power(0.7::float8, 2) + coalesce((mood_weighted_28d)[4], 0) * power(0.7::float8, 3) + coalesce((mood_weighted_28d)[5], 0) * power(0.7::float8, 4) + coalesce((mood_weighted_28d)[6], 0) * power(0.7::float8, 5) + coalesce((mood_weighted_28d)[7], 0) * power(0.7::float8, 6) + coalesce((mood_weighted_28d)[8], 0) * power(0.7::float8, 7) + coalesce((mood_weighted_28d)[9], 0) * power(0.7::float8, 8) + coalesce((mood_weighted_28d)[10], 0) * power(0.7::float8, 9) + coalesce((mood_weighted_28d)[11], 0) * power(0.7::float8, 10) + coalesce((mood_weighted_28d)[12], 0) * power(0.7::float8, 11) + coalesce((mood_weighted_28d)[13], 0) * power(0.7::float8, 12) + coalesce((mood_weighted_28d)[14], 0) * power(0.7::float8, 13) + coalesce((mood_weighted_28d)[15], 0) * power(0.7::float8, 14) + coalesce((mood_weighted_28d)[16], 0) * power(0.7::float8, 15) + coalesce((mood_weighted_28d)[17], 0) * power(0.7::float8, 16) + coalesce((mood_weighted_28d)[18], 0) * power(0.7::float8, 17) + coalesce((mood_weighted_28d)[19], 0) * power(0.7::float8, 18) + coalesce((mood_weighted_28d)[20], 0) * power(0.7::float8, 19) + coalesce((mood_weighted_28d)[21], 0) * power(0.7::float8, 20) + coalesce((mood_weighted_28d)[22], 0) * power(0.7::float8, 21) + coalesce((mood_weighted_28d)[23], 0) * power(0.7::float8, 22) + coalesce((mood_weighted_28d)[24], 0) * power(0.7::float8, 23) + coalesce((mood_weighted_28d)[25], 0) * power(0.7::float8, 24) + coalesce((mood_weighted_28d)[26], 0) * power(0.7::float8, 25) + coalesce((mood_weighted_28d)[27], 0) * power(0.7::float8, 26) end as mood_weighted_28d, mood_days_28d, mood_total_28d, mood_n_28d, mood_last_value_28d,
        mood_night_total_28d, mood_night_n_28d,
        mood_morning_total_28d, mood_morning_n_28d,
        mood_afternoon_total_28d, mood_afternoon_n_28d,
        mood_evening_total_28d, mood_evening_n_28d,
        case when mood_very_negative_weighted_28d is not null then coalesce((mood_very_negative_weighted_28d)[1], 0) * power(0.7::float8, 0) + coalesce((mood_very_negative_weighted_28d)[2], 0) * power(0.7::float8, 1) + coalesce((mood_very_negative_weighted_28d)[3], 0) * power(0.7::float8, 2) + coalesce((mood_very_negative_weighted_28d)[4], 0) * power(0.7::float8, 3) + coalesce((mood_very_negative_weighted_28d)[5], 0) * power(0.7::float8, 4) + coalesce((mood_very_negative_weighted_28d)[6], 0) * power(0.7::float8, 5) + coalesce((mood_very_negative_weighted_28d)[7], 0) * power(0.7::float8, 6) + coalesce((mood_very_negative_weighted_28d)[8], 0) * power(0.7::float8, 7) + coalesce((mood_very_negative_weighted_28d)[9], 0) * power(0.7::float8, 8) + coalesce((mood_very_negative_weighted_28d)[10], 0) * power(0.7::float8, 9) + coalesce((mood_very_negative_weighted_28d)[11], 0) * power(0.7::float8, 10) + coalesce((mood_very_negative_weighted_28d)[12], 0) * power(0.7::float8, 11) + coalesce((mood_very_negative_weighted_28d)[13], 0) * power(0.7::float8, 12) + coalesce((mood_very_negative_weighted_28d)[14], 0) * power(0.7::float8, 13) + coalesce((mood_very_negative_weighted_28d)[15], 0) * power(0.7::float8, 14) + coalesce((mood_very_negative_weighted_28d)[16], 0) * power(0.7::float8, 15) + coalesce((mood_very_negative_weighted_28d)[17], 0) * power(0.7::float8, 16) + coalesce((mood_very_negative_weighted_28d)[18], 0) * power(0.7::float8, 17) + coalesce((mood_very_negative_weighted_28d)[19], 0) * power(0.7::float8, 18) + coalesce((mood_very_negative_weighted_28d)[20], 0) * power(0.7::float8, 19) + coalesce((mood_very_negative_weighted_28d)[21], 0) * power(0.7::float8, 20) + coalesce((mood_very_negative_weighted_28d)[22], 0) * power(0.7::float8, 21) + coalesce((mood_very_negative_weighted_28d)[23], 0) * power(0.7::float8, 22) + coalesce((mood_very_negative_weighted_28d)[24], 0) * power(0.7::float8, 23) + coalesce((mood_very_negative_weighted_28d)[25], 0) * power(0.7::float8, 24) + coalesce((mood_very_negative_weighted_28d)[26], 0) * power(0.7::float8, 25) + coalesce((mood_very_negative_weighted_28d)[27], 0) * power(0.7::float8, 26) end as mood_very_negative_weighted_28d, mood_very_negative_days_28d,
        case when mood_negative_weighted_28d is not null then coalesce((mood_negative_weighted_28d)[1], 0) * power(0.7::float8, 0) + coalesce((mood_negative_weighted_28d)[2], 0) * power(0.7::float8, 1) + coalesce((mood_negative_weighted_28d)[3], 0) * power(0.7::float8, 2) + coalesce((mood_negative_weighted_28d)[4], 0) * power(0.7::float8, 3) + coalesce((mood_negative_weighted_28d)[5], 0) * power(0.7::float8, 4) + coalesce((mood_negative_weighted_28d)[6], 0) * power(0.7::float8, 5) + coalesce((mood_negative_weighted_28d)[7], 0) * power(0.7::float8, 6) + coalesce((mood_negative_weighted_28d)[8], 0) * power(0.7::float8, 7) + coalesce((mood_negative_weighted_28d)[9], 0) * power(0.7::float8, 8) + coalesce((mood_negative_weighted_28d)[10], 0) * power(0.7::float8, 9) + coalesce((mood_negative_weighted_28d)[11], 0) * power(0.7::float8, 10) + coalesce((mood_negative_weighted_28d)[12], 0) * power(0.7::float8, 11) + coalesce((mood_negative_weighted_28d)[13], 0) * power(0.7::float8, 12) + coalesce((mood_negative_weighted_28d)[14], 0) * power(0.7::float8, 13) + coalesce((mood_negative_weighted_28d)[15], 0) * power(0.7::float8, 14) + coalesce((mood_negative_weighted_28d)[16], 0) * power(0.7::float8, 15) + coalesce((mood_negative_weighted_28d)[17], 0) * power(0.7::float8, 16) + coalesce((mood_negative_weighted_28d)[18], 0) * power(0.7::float8, 17) + coalesce((mood_negative_weighted_28d)[19], 0) * power(0.7::float8, 18) + coalesce((mood_negative_weighted_28d)[20], 0) * power(0.7::float8, 19) + coalesce((mood_negative_weighted_28d)[21], 0) * power(0.7::float8, 20) + coalesce((mood_negative_weighted_28d)[22], 0) * power(0.7::float8, 21) + coalesce((mood_negative_weighted_28d)[23], 0) * power(0.7::float8, 22) + coalesce((mood_negative_weighted_28d)[24], 0) * power(0.7::float8, 23) + coalesce((mood_negative_weighted_28d)[25], 0) * power(0.7::float8, 24) + coalesce((mood_negative_weighted_28d)[26], 0) * power(0.7::float8, 25) + coalesce((mood_negative_weighted_28d)[27], 0) * power(0.7::float8, 26) end as mood_negative_weighted_28d, mood_negative_days_28d,
        case when mood_neutral_weighted_28d is not null then coalesce((mood_neutral_weighted_28d)[1], 0) * power(0.7::float8, 0) + coalesce((mood_neutral_weighted_28d)[2], 0) * power(0.7::float8, 1) + coalesce((mood_neutral_weighted_28d)[3], 0) * power(0.7::float8, 2) + coalesce((mood_neutral_weighted_28d)[4], 0) * power(0.7::float8, 3) + coalesce((mood_neutral_weighted_28d)[5], 0) * power(0.7::float8, 4) + coalesce((mood_neutral_weighted_28d)[6], 0) * power(0.7::float8, 5) + coalesce((mood_neutral_weighted_28d)[7], 0) * power(0.7::float8, 6) + coalesce((mood_neutral_weighted_28d)[8], 0) * power(0.7::float8, 7) + coalesce((mood_neutral_weighted_28d)[9], 0) * power(0.7::float8, 8) + coalesce((mood_neutral_weighted_28d)[10], 0) * power(0.7::float8, 9) + coalesce((mood_neutral_weighted_28d)[11], 0) * power(0.7::float8, 10) + coalesce((mood_neutral_weighted_28d)[12], 0) * power(0.7::float8, 11) + coalesce((mood_neutral_weighted_28d)[13], 0) * power(0.7::float8, 12) + coalesce((mood_neutral_weighted_28d)[14], 0) * power(0.7::float8, 13) + coalesce((mood_neutral_weighted_28d)[15], 0) * power(0.7::float8, 14) + coalesce((mood_neutral_weighted_28d)[16], 0) * power(0.7::float8, 15) + coalesce((mood_neutral_weighted_28d)[17], 0) * power(0.7::float8, 16) + coalesce((mood_neutral_weighted_28d)[18], 0) * power(0.7::float8, 17) + coalesce((mood_neutral_weighted_28d)[19], 0) * power(0.7::float8, 18) + coalesce((mood_neutral_weighted_28d)[20], 0) * power(0.7::float8, 19) + coalesce((mood_neutral_weighted_28d)[21], 0) * power(0.7::float8, 20) + coalesce((mood_neutral_weighted_28d)[22], 0) * power(0.7::float8, 21) + coalesce((mood_neutral_weighted_28d)[23], 0) * power(0.7::float8, 22) + coalesce((mood_neutral_weighted_28d)[24], 0) * power(0.7::float8, 23) + coalesce((mood_neutral_weighted_28d)[25], 0) * power(0.7::float8, 24) + coalesce((mood_neutral_weighted_28d)[26], 0) * power(0.7::float8, 25) + coalesce((mood_neutral_weighted_28d)[27], 0) * power(0.7::float8, 26) end as mood_neutral_weighted_28d, mood_neutral_days_28d,
        case when mood_positive_weighted_28d is not null then coalesce((mood_positive_weighted_28d)[1], 0) * power(0.7::float8, 0) + coalesce((mood_positive_weighted_28d)[2], 0) * power(0.7::float8, 1) + coalesce((mood_positive_weighted_28d)[3], 0) * power(0.7::float8, 2) + coalesce((mood_positive_weighted_28d)[4], 0) * power(0.7::float8, 3) + coalesce((mood_positive_weighted_28d)[5], 0) * power(0.7::float8, 4) + coalesce((mood_positive_weighted_28d)[6], 0) * power(0.7::float8, 5) + coalesce((mood_positive_weighted_28d)[7], 0) * power(0.7::float8, 6) + coalesce((mood_positive_weighted_28d)[8], 0) * power(0.7::float8, 7) + coalesce((mood_positive_weighted_28d)[9], 0) * power(0.7::float8, 8) + coalesce((mood_positive_weighted_28d)[10], 0) * power(0.7::float8, 9) + coalesce((mood_positive_weighted_28d)[11], 0) * power(0.7::float8, 10) + coalesce((mood_positive_weighted_28d)[12], 0) * power(0.7::float8, 11) + coalesce((mood_positive_weighted_28d)[13], 0) * power(0.7::float8, 12) + coalesce((mood_positive_weighted_28d)[14], 0) * power(0.7::float8, 13) + coalesce((mood_positive_weighted_28d)[15], 0) * power(0.7::float8, 14) + coalesce((mood_positive_weighted_28d)[16], 0) * power(0.7::float8, 15) + coalesce((mood_positive_weighted_28d)[17], 0) * power(0.7::float8, 16) + coalesce((mood_positive_weighted_28d)[18], 0) * power(0.7::float8, 17) + coalesce((mood_positive_weighted_28d)[19], 0) * power(0.7::float8, 18) + coalesce((mood_positive_weighted_28d)[20], 0) * power(0.7::float8, 19) + coalesce((mood_positive_weighted_28d)[21], 0) * power(0.7::float8, 20) + coalesce((mood_positive_weighted_28d)[22], 0) * power(0.7::float8, 21) + coalesce((mood_positive_weighted_28d)[23], 0) * power(0.7::float8, 22) + coalesce((mood_positive_weighted_28d)[24], 0) * power(0.7::float8, 23) + coalesce((mood_positive_weighted_28d)[25], 0) * power(0.7::float8, 24) + coalesce((mood_positive_weighted_28d)[26], 0) * power(0.7::float8, 25) + coalesce((mood_positive_weighted_28d)[27], 0) * power(0.7::float8, 26) end as mood_positive_weighted_28d, mood_positive_days_28d,
        case when mood_very_positive_weighted_28d is not null then coalesce((mood_very_positive_weighted_28d)[1], 0) * power(0.7::float8, 0) + coalesce((mood_very_positive_weighted_28d)[2], 0) * power(0.7::float8, 1) + coalesce((mood_very_positive_weighted_28d)[3], 0) * power(0.7::float8, 2) + coalesce((mood_very_positive_weighted_28d)[4], 0) * power(0.7::float8, 3) + coalesce((mood_very_positive_weighted_28d)[5], 0) * power(0.7::float8, 4) + coalesce((mood_very_positive_weighted_28d)[6], 0) * power(0.7::float8, 5) + coalesce((mood_very_positive_weighted_28d)[7], 0) * power(0.7::float8, 6) + coalesce((mood_very_positive_weighted_28d)[8], 0) * power(0.7::float8, 7) + coalesce((mood_very_positive_weighted_28d)[9], 0) * power(0.7::float8, 8) + coalesce((mood_very_positive_weighted_28d)[10], 0) * power(0.7::float8, 9) + coalesce((mood_very_positive_weighted_28d)[11], 0) * power(0.7::float8, 10) + coalesce((mood_very_positive_weighted_28d)[12], 0) * power(0.7::float8, 11) + coalesce((mood_very_positive_weighted_28d)[13], 0) * power(0.7::float8, 12) + coalesce((mood_very_positive_weighted_28d)[14], 0) * power(0.7::float8, 13) + coalesce((mood_very_positive_weighted_28d)[15], 0) * power(0.7::float8, 14) + coalesce((mood_very_positive_weighted_28d)[16], 0) * power(0.7::float8, 15) + coalesce((mood_very_positive_weighted_28d)[17], 0) * power(0.7::float8, 16) + coalesce((mood_very_positive_weighted_28d)[18], 0) * power(0.7::float8, 17) + coalesce((mood_very_positive_weighted_28d)[19], 0) * power(0.7::float8, 18) + coalesce((mood_very_positive_weighted_28d)[20], 0) * power(0.7::float8, 19) + coalesce((mood_very_positive_weighted_28d)[21], 0) * power(0.7::float8, 20) + coalesce((mood_very_positive_weighted_28d)[22], 0) * power(0.7::float8, 21) + coalesce((mood_very_positive_weighted_28d)[23], 0) * power(0.7::float8, 22) + coalesce((mood_very_positive_weighted_28d)[24], 0) * power(0.7::float8, 23) + coalesce((mood_very_positive_weighted_28d)[25], 0) * power(0.7::float8, 24) + coalesce((mood_very_positive_weighted_28d)[26], 0) * power(0.7::float8, 25) + coalesce((mood_very_positive_weighted_28d)[27], 0) * power(0.7::float8, 26) end as mood_very_positive_weighted_28d, mood_very_positive_days_28d

    from held

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
    inner join earlier using (known_number)
    left join todays_tiles using (moment_number)
    -- A fence: each window is computed once, however often formulas read it.
    offset 0 -- noqa: AM09

),

features as (

    select
        moments.user_id,
        moments.moment_number,
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
