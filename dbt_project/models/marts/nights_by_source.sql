with

sleeps as (

    select
        user_id,
        event_id,
        local_date,
        tz,
        started_at,
        ended_at,
        local_started_at,
        (payload_numbers ->> 'asleep_minutes')::float8 as asleep_minutes,
        (payload_numbers ->> 'in_bed_minutes')::float8 as in_bed_minutes,
        (payload_numbers ->> 'efficiency_percent')::float8 as efficiency_percent,
        (payload_numbers ->> 'quality')::float8 as quality,
        source_name,
        modality,
        known_at,
        is_counted,
        outranked_by

    from {{ ref('events') }}
    where type = 'sleep.recorded' and not coalesce((payload_numbers ->> 'is_nap')::boolean, false)

)

select * from sleeps
