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
        kind,
        coalesce(duration_minutes, extract(epoch from ended_at - started_at)::float8 / 60) as duration_minutes,
        moderate_minutes,
        vigorous_minutes,
        load,
        energy_kcal,
        distance_m,
        source_name,
        modality

    from {{ ref('stg_events__exercise') }}
    where alive_until = 'infinity' and not is_deleted

)

select * from workouts
