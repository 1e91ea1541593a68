-- Written by `aurora generate` from aurora/events/catalogue.py; do not edit.
-- sqlfluff:max_line_length:0
with

events as (

    select * from {{ ref('stg_events') }}
    where type = 'weather.observed'

),

typed as (

    select
        user_id,
        event_id,
        version,
        started_at,
        ended_at,
        tz,
        local_date,
        local_started_at,
        local_ended_at,
        day_started_at,
        precision,
        source_name,
        modality,
        form_id,
        is_deleted,
        known_at,
        alive_from,
        alive_until,
        first_available_at,
        (payload ->> 'temperature_c')::float8 as temperature_c,
        (payload ->> 'precipitation_mm')::float8 as precipitation_mm,
        (payload ->> 'daylight_minutes')::float8 as daylight_minutes,
        (payload ->> 'cloud_cover_percent')::float8 as cloud_cover_percent,
        (payload ->> 'pressure_hpa')::float8 as pressure_hpa

    from events

)

select * from typed
