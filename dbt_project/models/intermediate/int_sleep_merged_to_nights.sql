{{ config(
    materialized='incremental',
    incremental_strategy='replace_days',
    meta={'days': 'stg_touched_days'},
    indexes=[{'columns': ['user_id', 'local_date'], 'unique': true}],
    post_hook='{{ analyze_if_grown() }}',
) }}

with

sleep as (

    select
        sleep.*,
        max(coalesce(sleep.ended_at, sleep.started_at)) over (
            partition by sleep.user_id, sleep.local_date
            order by sleep.started_at, sleep.event_id
            rows between unbounded preceding and 1 preceding
        ) as earlier_until

    from {{ rows_of_days(ref('stg_events__sleep'), 'sleep', ref('stg_touched_days'), of_log=true) }}
    left join {{ ref('int_outranked_events') }} as outranked
        on sleep.user_id = outranked.user_id and sleep.event_id = outranked.event_id
    where
        sleep.alive_until = 'infinity'
        and not sleep.is_deleted
        and not sleep.is_nap
        and outranked.event_id is null

),

numbered as (

    select
        *,
        count(*) filter (where earlier_until is null or started_at >= earlier_until) over (
            partition by user_id, local_date
            order by started_at, event_id
        ) as part

    from sleep

),

-- A watch and a diary tell of one sleep in two records that overlap: what was measured counts before what was
-- remembered, what says more before what says less, and never their sum.
parts as (

    select distinct on (user_id, local_date, part)
        *,
        local_date::timestamp - interval '12 hours' as noon_before

    from numbered
    order by
        user_id,
        local_date,
        part,
        modality = 'sensed' desc,
        num_nonnulls(deep_minutes, rem_minutes, awake_minutes) desc,
        asleep_minutes desc,
        event_id

),

-- A part within the hour that a DST change repeats may end before it began, by the clock: when it lay is unknown.
placed as (

    select
        *,
        case
            when precision = 'instant' and local_started_at < local_ended_at
                then numrange(
                    trim_scale(extract(epoch from local_started_at - noon_before) / 60),
                    trim_scale(extract(epoch from local_ended_at - noon_before) / 60)
                )
        end as asleep_span

    from parts

),

-- A stage is known of a night only where every part of the night states it; so is when the person was asleep.
nights as (

    select
        user_id,
        local_date,
        (array_agg(tz order by part desc))[1] as tz,
        min(started_at) as started_at,
        max(ended_at) as ended_at,
        min(local_started_at) filter (where precision = 'instant') as local_started_at,
        max(local_ended_at) filter (where precision = 'instant') as local_ended_at,
        case when count(asleep_span) = count(*) then range_agg(asleep_span) end as asleep_spans,
        sum(asleep_minutes order by part) as asleep_minutes,
        case when count(in_bed_minutes) = count(*) then sum(in_bed_minutes order by part) end as in_bed_minutes,
        case when count(awake_minutes) = count(*) then sum(awake_minutes order by part) end as awake_minutes,
        case when count(deep_minutes) = count(*) then sum(deep_minutes order by part) end as deep_minutes,
        case when count(rem_minutes) = count(*) then sum(rem_minutes order by part) end as rem_minutes,
        case when count(light_minutes) = count(*) then sum(light_minutes order by part) end as light_minutes,
        avg(efficiency_percent order by part) as efficiency_percent,
        avg(quality order by part) as quality,
        bool_or(modality = 'sensed') as is_sensed,
        (array_agg(source_name order by asleep_minutes desc, part))[1] as source_name,
        count(*)::integer as parts,
        max(alive_from) as known_at

    from placed
    group by user_id, local_date

)

select * from nights
