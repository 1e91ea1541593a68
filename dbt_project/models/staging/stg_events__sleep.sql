-- Written by `aurora generate` from aurora/events/catalogue.py; do not edit.
-- sqlfluff:max_line_length:0
with

events as (

    select * from {{ ref('stg_events') }}
    where type = 'sleep.recorded'

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
        (payload ->> 'asleep_minutes')::float8 as asleep_minutes,
        (payload ->> 'in_bed_minutes')::float8 as in_bed_minutes,
        (payload ->> 'awake_minutes')::float8 as awake_minutes,
        (payload ->> 'deep_minutes')::float8 as deep_minutes,
        (payload ->> 'rem_minutes')::float8 as rem_minutes,
        (payload ->> 'light_minutes')::float8 as light_minutes,
        (payload ->> 'efficiency_percent')::float8 as efficiency_percent,
        (payload ->> 'quality')::float8 as quality,
        coalesce((payload ->> 'is_nap')::boolean, false) as is_nap

    from events

)

select * from typed
