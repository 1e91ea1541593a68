with

nights as (

    select
        user_id,
        local_date,
        tz,
        started_at,
        ended_at,
        local_started_at,
        local_ended_at,
        asleep_minutes,
        in_bed_minutes,
        awake_minutes,
        deep_minutes,
        rem_minutes,
        light_minutes,
        efficiency_percent,
        quality,
        bedtime_minutes_after_noon,
        usual_bedtime_minutes_after_noon,
        bedtime_deviation_minutes,
        source_name,
        parts,
        known_at

    from {{ ref('int_nights') }}

)

select * from nights
