{{ config(
    materialized='incremental',
    incremental_strategy='replace_days',
    meta={'days': 'stg_touched_days'},
    indexes=[{'columns': ['user_id', 'local_date']}],
    post_hook='{{ analyze_if_grown() }}',
) }}

-- Tiles know a day, not its moments; whether a rating came after waking is a question of moments.
with

told as (

    select
        events.user_id,
        events.event_id,
        events.version,
        events.local_date,
        events.form_id,
        case events.type
            when 'energy.rated' then 'energy'
            when 'mood.rated' then 'mood'
            else 'night'
        end as told,
        case events.type
            when 'energy.rated' then (events.payload ->> 'energy')::float8
            when 'mood.rated' then (events.payload ->> 'valence')::float8
        end as value,
        case
            when events.precision = 'instant' and events.type = 'sleep.recorded'
                then coalesce(events.ended_at, events.started_at)
            when events.precision = 'instant' then events.started_at
        end as at,
        coalesce(spans.counts_from, events.alive_from) as alive_from,
        coalesce(spans.counts_until, events.alive_until) as alive_until

    from {{ rows_of_days(ref('stg_events'), 'events', ref('stg_touched_days'), of_log=true) }}
    left join {{ ref('int_reconciled_spans') }} as spans
        on
            events.user_id = spans.user_id
            and events.event_id = spans.event_id
            and events.version = spans.version
    where
        events.type in ('energy.rated', 'mood.rated', 'sleep.recorded')
        and not events.is_deleted
        and not coalesce((events.payload ->> 'is_nap')::boolean, false)

),

-- A version that was hidden before it became known never counted.
counted as (

    select * from told where alive_from < alive_until

)

select * from counted
