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
        -- Numbers and flags only: names of medicines, titles and other words stay in the log.
        (
            select coalesce(jsonb_object_agg(fields.key, fields.value), '{}'::jsonb)
            from jsonb_each(payload) as fields
            where jsonb_typeof(fields.value) in ('number', 'boolean')
        ) as payload_numbers

    from {{ ref('stg_events') }}
    where alive_until = 'infinity' and not is_deleted

)

select * from events
