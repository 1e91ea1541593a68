-- Written by `aurora generate` from aurora/events/catalogue.py; do not edit.
-- sqlfluff:max_line_length:0
with

events as (

    select * from {{ ref('stg_events') }}
    where type = 'work.recorded'

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
        (payload ->> 'duration_minutes')::float8 as duration_minutes,
        coalesce((payload ->> 'is_overtime')::boolean, false) as is_overtime

    from events

)

select * from typed
