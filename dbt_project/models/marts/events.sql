with

events as (

    select
        user_id,
        event_id,
        version,
        type,
        started_at,
        ended_at,
        tz,
        local_date,
        local_started_at,
        precision,
        source_name,
        modality,
        has_note,
        known_at,
        outranked_by is null as is_counted,
        outranked_by,
        payload_numbers

    from {{ ref('int_events') }}

)

select * from events
