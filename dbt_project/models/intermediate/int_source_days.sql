{{ config(
    materialized='incremental',
    incremental_strategy='replace_days',
    meta={'days': 'stg_touched_days'},
    indexes=[{'columns': ['user_id', 'local_date', 'source_name'], 'unique': true}],
    post_hook='{{ analyze_if_grown() }}',
) }}

with

events as (

    select events.*
    from {{ ref('int_events') }} as events
    {{ only_days_of(ref('stg_touched_days'), 'events') }}

),

-- That an event was told at all is a measure as well: some kinds of event hold no number.
told as (

    select
        events.user_id,
        events.local_date,
        events.source_name,
        jsonb_agg(distinct events.type || ' ' || measure.name order by events.type || ' ' || measure.name) as measures

    from events
    cross join lateral (
        select 'any' as name
        union all
        select fields.key as name from jsonb_each(events.payload_numbers) as fields
        where jsonb_typeof(fields.value) = 'number'
    ) as measure
    group by events.user_id, events.local_date, events.source_name

),

counted as (

    select
        user_id,
        local_date,
        source_name,
        count(*)::integer as events,
        max(received_at) as last_received_at

    from events
    group by user_id, local_date, source_name

),

source_days as (

    select
        counted.user_id,
        counted.local_date,
        counted.source_name,
        counted.events,
        counted.last_received_at,
        told.measures

    from counted
    inner join told
        on
            counted.user_id = told.user_id
            and counted.local_date = told.local_date
            and counted.source_name = told.source_name

)

select * from source_days
