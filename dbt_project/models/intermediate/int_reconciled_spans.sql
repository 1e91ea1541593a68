-- Written by `aurora generate` from aurora/events/reconciliation.py; do not edit.
-- sqlfluff:max_line_length:0
{{ config(
    materialized='incremental',
    incremental_strategy='replace_days',
    meta={'days': 'stg_touched_days'},
    indexes=[
        {'columns': ['user_id', 'local_date']},
        {'columns': ['user_id', 'event_id', 'version']},
    ],
    post_hook='{{ analyze_if_grown() }}',
) }}

with

reports as (

    select
        events.user_id,
        events.event_id,
        events.version,
        events.type,
        events.local_date,
        events.precision,
        events.source_name,
        coalesce(events.source_device, '') as source_device,
        events.started_at,
        coalesce(events.ended_at, events.started_at) as ended_at,
        case type when 'sleep.recorded' then concat(coalesce((payload ->> 'is_nap')::boolean, false)) else '' end as apart,
        (modality <> 'sensed')::integer as rank_remembered,
        (source_name in ('apple-health', 'google-fit', 'health-connect', 'samsung-health'))::integer as rank_copied,
        -(select count(*) from jsonb_object_keys(payload)) as rank_silent,
        -(coalesce(ended_at, started_at) - started_at) as rank_short,
        events.alive_from,
        events.alive_until

    from {{ rows_of_days(ref('stg_events'), 'events', ref('stg_touched_days'), of_log=true) }}
    where
        events.type in ('sleep.recorded', 'exercise.recorded')
        and not events.is_deleted
        and events.alive_from < events.alive_until

),

pairs as (

    select
        reports.user_id,
        reports.event_id,
        reports.version,
        reports.local_date,
        reports.alive_from,
        reports.alive_until,
        rivals.event_id as rival_id,
        row_number() over (
            partition by reports.user_id, reports.event_id, reports.version
            order by rivals.rank_remembered, rivals.rank_copied, rivals.rank_silent, rivals.rank_short, rivals.event_id
        ) as rival_rank,
        greatest(rivals.alive_from, reports.alive_from) as hidden_from,
        least(rivals.alive_until, reports.alive_until) as hidden_until

    from reports
    inner join reports as rivals
        on
            reports.user_id = rivals.user_id
            and reports.type = rivals.type
            and reports.local_date = rivals.local_date
            and reports.apart = rivals.apart
            and (rivals.rank_remembered, rivals.rank_copied, rivals.rank_silent, rivals.rank_short, rivals.event_id) < (reports.rank_remembered, reports.rank_copied, reports.rank_silent, reports.rank_short, reports.event_id)
            and (rivals.source_name, rivals.source_device) <> (reports.source_name, reports.source_device)
            and ('day' in (rivals.precision, reports.precision) or 2 * (least(rivals.ended_at, reports.ended_at) - greatest(rivals.started_at, reports.started_at)) >= least(rivals.ended_at - rivals.started_at, reports.ended_at - reports.started_at))
    where greatest(rivals.alive_from, reports.alive_from) < least(rivals.alive_until, reports.alive_until)

),

hidden as (

    select
        user_id,
        event_id,
        version,
        local_date,
        alive_from,
        alive_until,
        range_agg(tstzrange(hidden_from, hidden_until)) as spans,
        (array_agg(rival_id order by rival_rank) filter (where hidden_until = 'infinity'))[1] as outranked_by

    from pairs
    group by user_id, event_id, version, local_date, alive_from, alive_until

),

-- What never counts has one empty span, so that whoever joins this knows.
spans as (

    select
        hidden.user_id,
        hidden.event_id,
        hidden.version,
        hidden.local_date,
        hidden.outranked_by,
        coalesce(lower(counted.span), hidden.alive_from) as counts_from,
        coalesce(upper(counted.span), hidden.alive_from) as counts_until

    from hidden
    left join lateral
        unnest(tstzmultirange(tstzrange(hidden.alive_from, hidden.alive_until)) - hidden.spans) as counted (span)
        on true

)

select * from spans
