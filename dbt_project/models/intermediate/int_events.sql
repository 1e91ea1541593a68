{{ config(
    materialized='incremental',
    incremental_strategy='replace_days',
    meta={'days': 'stg_touched_days'},
    indexes=[
        {'columns': ['user_id', 'local_date']},
        {'columns': ['user_id', 'event_id'], 'unique': true},
    ],
    post_hook='{{ analyze_if_grown() }}',
) }}

-- Kept here, not read from the log: months of the log go to the archive, the warehouse keeps its days for ever.
with

events as (

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
        events.precision,
        events.source_name,
        events.modality,
        events.has_note,
        events.received_at,
        events.known_at,
        outranked.outranked_by,
        -- Numbers and flags only: names of medicines, titles and other words stay in the log.
        (
            select coalesce(jsonb_object_agg(fields.key, fields.value), '{}'::jsonb)
            from jsonb_each(events.payload) as fields
            where jsonb_typeof(fields.value) in ('number', 'boolean')
        ) as payload_numbers

    from {{ rows_of_days(ref('stg_events'), 'events', ref('stg_touched_days'), of_log=true) }}
    left join {{ ref('int_outranked_events') }} as outranked
        on events.user_id = outranked.user_id and events.event_id = outranked.event_id
    where events.alive_until = 'infinity' and not events.is_deleted

)

select * from events
