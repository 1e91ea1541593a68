-- Written by `aurora generate` from aurora/events/catalogue.py; do not edit.
-- sqlfluff:max_line_length:0
with

events as (

    select * from {{ ref('stg_events') }}
    where type = 'alcohol.consumed'

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
        (payload ->> 'alcohol_g')::float8 as alcohol_g

    from events

)

select * from typed
