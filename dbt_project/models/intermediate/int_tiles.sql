-- Written by `aurora generate` from aurora/events/catalogue.py; do not edit.
-- sqlfluff:max_line_length:0
{{ config(materialized='view') }}

with

wholes as (

    select
        user_id,
        local_date,
        measure,
        valid_from,
        valid_until,
        n,
        total,
        squares,
        lowest,
        highest,
        last_value,
        last_at

    from {{ ref('int_whole_tiles') }}

),

parts as (

    select
        wholes.user_id,
        wholes.local_date,
        told.measure,
        wholes.valid_from,
        wholes.valid_until,
        told.n,
        told.total,
        null::numeric as squares,
        null::bigint as lowest,
        null::bigint as highest,
        null::bigint as last_value,
        null::timestamptz as last_at

    from {{ ref('int_rating_tiles') }} as wholes
    cross join lateral (
        values
        ('mood_night', wholes.mood_night_n, wholes.mood_night_total),
        ('mood_morning', wholes.mood_morning_n, wholes.mood_morning_total),
        ('mood_afternoon', wholes.mood_afternoon_n, wholes.mood_afternoon_total),
        ('mood_evening', wholes.mood_evening_n, wholes.mood_evening_total),
        ('mood_very_negative', wholes.mood_very_negative_n, wholes.mood_very_negative_total),
        ('mood_negative', wholes.mood_negative_n, wholes.mood_negative_total),
        ('mood_neutral', wholes.mood_neutral_n, wholes.mood_neutral_total),
        ('mood_positive', wholes.mood_positive_n, wholes.mood_positive_total),
        ('mood_very_positive', wholes.mood_very_positive_n, wholes.mood_very_positive_total),
        ('energy_night', wholes.energy_night_n, wholes.energy_night_total),
        ('energy_morning', wholes.energy_morning_n, wholes.energy_morning_total),
        ('energy_afternoon', wholes.energy_afternoon_n, wholes.energy_afternoon_total),
        ('energy_evening', wholes.energy_evening_n, wholes.energy_evening_total)
    ) as told (measure, n, total)
    where told.n is not null

),

tiles as (

    select * from wholes
    union all
    select * from parts

)

select * from tiles
