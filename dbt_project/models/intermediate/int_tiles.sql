-- Written by `aurora generate` from aurora/events/catalogue.py; do not edit.
-- sqlfluff:max_line_length:0
{{ config(materialized='view') }}

with

wholes as (

    select * from {{ ref('int_whole_tiles') }}

),

parts as (

    select
        ratings.user_id,
        ratings.local_date,
        told.measure,
        ratings.valid_from,
        ratings.valid_until,
        told.n,
        told.total,
        null::numeric as squares,
        null::bigint as lowest,
        null::bigint as highest,
        null::bigint as last_value,
        null::timestamptz as last_at

    from {{ ref('int_rating_tiles') }} as ratings
    cross join lateral
        unnest(
            array['mood_night', 'mood_morning', 'mood_afternoon', 'mood_evening', 'mood_very_negative', 'mood_negative', 'mood_neutral', 'mood_positive', 'mood_very_positive', 'energy_night', 'energy_morning', 'energy_afternoon', 'energy_evening'],
            array[ratings.mood_night_n, ratings.mood_morning_n, ratings.mood_afternoon_n, ratings.mood_evening_n, ratings.mood_very_negative_n, ratings.mood_negative_n, ratings.mood_neutral_n, ratings.mood_positive_n, ratings.mood_very_positive_n, ratings.energy_night_n, ratings.energy_morning_n, ratings.energy_afternoon_n, ratings.energy_evening_n],
            array[ratings.mood_night_total, ratings.mood_morning_total, ratings.mood_afternoon_total, ratings.mood_evening_total, ratings.mood_very_negative_total, ratings.mood_negative_total, ratings.mood_neutral_total, ratings.mood_positive_total, ratings.mood_very_positive_total, ratings.energy_night_total, ratings.energy_morning_total, ratings.energy_afternoon_total, ratings.energy_evening_total]
        ) as told (measure, n, total)
    where told.n is not null

),

tiles as (

    select * from wholes
    union all
    select * from parts

)

select * from tiles
