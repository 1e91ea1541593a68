{{ config(
    materialized='incremental',
    incremental_strategy='replace_days',
    meta={'days': 'stg_touched_days'},
    indexes=[{'columns': ['user_id', 'local_date'], 'unique': true}],
    post_hook='analyze {{ this }}',
) }}

with

sleep as (

    select sleep.*
    from {{ ref('stg_events__sleep') }} as sleep
    {{ only_days_of(ref('stg_touched_days'), 'sleep') }}
    where sleep.alive_until = 'infinity' and not sleep.is_deleted and not sleep.is_nap

),

ordered as (

    select
        *,
        max(coalesce(ended_at, started_at)) over (
            partition by user_id, local_date
            order by started_at, event_id
            rows between unbounded preceding and 1 preceding
        ) as earlier_until

    from sleep

),

-- A band and a diary tell of one sleep in two events that overlap.
told as (

    select
        *,
        count(*) filter (where earlier_until is null or started_at >= earlier_until) over (
            partition by user_id, local_date
            order by started_at, event_id
        ) as sleep_number

    from ordered

),

-- What was measured counts before what was remembered, and what says more before what says less.
best_told as (

    select distinct on (user_id, local_date, sleep_number) *
    from told
    order by
        user_id,
        local_date,
        sleep_number,
        modality = 'sensed' desc,
        num_nonnulls(deep_minutes, rem_minutes, awake_minutes) desc,
        asleep_minutes desc,
        event_id

),

nights as (

    select
        user_id,
        local_date,
        min(started_at) as started_at,
        max(ended_at) as ended_at,
        -- A source that has only dates does not say when.
        min(local_started_at) filter (where precision = 'instant') as local_bedtime,
        max(local_ended_at) filter (where precision = 'instant') as local_wake_time,
        count(*)::integer as sleeps,
        sum(asleep_minutes) as asleep_minutes,
        sum(in_bed_minutes) as in_bed_minutes,
        sum(awake_minutes) as awake_minutes,
        sum(deep_minutes) as deep_minutes,
        sum(rem_minutes) as rem_minutes,
        sum(light_minutes) as light_minutes,
        avg(efficiency_percent) as efficiency_percent,
        avg(quality) as quality

    from best_told
    group by user_id, local_date

)

select * from nights
