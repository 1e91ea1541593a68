with

workouts as (

    select
        user_id,
        event_id,
        local_date,
        tz,
        started_at,
        ended_at,
        local_started_at,
        coalesce(
            (payload_numbers ->> 'duration_minutes')::float8, extract(epoch from ended_at - started_at)::float8 / 60
        ) as duration_minutes,
        (payload_numbers ->> 'load')::float8 as load,
        (payload_numbers ->> 'energy_kcal')::float8 as energy_kcal,
        (payload_numbers ->> 'distance_m')::float8 as distance_m,
        source_name,
        modality,
        known_at,
        is_counted,
        outranked_by

    from {{ ref('events') }}
    where type = 'exercise.recorded'

)

select * from workouts
