-- Written by `aurora generate` from aurora/events/catalogue.py; do not edit.
-- sqlfluff:max_line_length:0
with

events as (

    select * from {{ ref('stg_events') }}
    where type = 'custom.recorded'

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
        (payload ->> 'name')::text as name,
        (payload ->> 'value')::float8 as value,
        (payload ->> 'unit')::text as unit

    from events

)

select * from typed
