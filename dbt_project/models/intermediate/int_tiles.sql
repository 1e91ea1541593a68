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

    from {{ ref('int_whole_tiles') }} as wholes
    cross join lateral unnest(
        case wholes.measure
            when 'mood' then array['mood_night', 'mood_morning', 'mood_afternoon', 'mood_evening', 'mood_very_negative', 'mood_negative', 'mood_neutral', 'mood_positive', 'mood_very_positive']
            when 'energy' then array['energy_night', 'energy_morning', 'energy_afternoon', 'energy_evening']
        end,
        wholes.part_ns,
        wholes.part_totals
    ) as told (measure, n, total)
    where told.n is not null

),

tiles as (

    select * from wholes
    union all
    select * from parts

)

select * from tiles
