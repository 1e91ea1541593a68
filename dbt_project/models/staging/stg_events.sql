with

events as (

    select * from {{ source('raw', 'events') }}

),

replaced_versions as (

    select * from {{ ref('stg_replaced_versions') }}

),

alive as (

    select
        events.user_id,
        events.event_id,
        events.version,
        events.type,
        events.started_at,
        events.ended_at,
        events.tz,
        events.local_date,
        events.local_started_at,
        events.local_ended_at,
        events.day_started_at,
        events.precision,
        events.source_name,
        events.source_device,
        events.modality,
        events.form_id,
        events.payload,
        events.note_ciphertext is not null as has_note,
        events.is_deleted,
        events.received_at,
        events.known_at,
        events.available_at as alive_from,
        coalesce(replaced_versions.alive_until, 'infinity') as alive_until,
        coalesce(replaced_versions.first_available_at, events.available_at) as first_available_at

    from events
    left join replaced_versions
        on
            events.user_id = replaced_versions.user_id
            and events.event_id = replaced_versions.event_id
            and events.version = replaced_versions.version

)

select * from alive
