{{ config(
    materialized='incremental',
    unique_key=['user_id', 'event_id', 'version'],
    incremental_strategy='delete+insert',
    indexes=[{'columns': ['user_id', 'event_id', 'version'], 'unique': true}],
    post_hook='{{ analyze_if_grown() }}',
) }}

-- Most events have one version. Only the others are kept here, so that the log need not be sorted or copied.
with

corrected_events as (

    select distinct
        events.user_id,
        events.event_id

    from {{ rows_of_days(source('raw', 'events'), 'events', ref('stg_touched_days'), of_log=true) }}
    where events.version > 1

),

versions as (

    select
        events.user_id,
        events.event_id,
        events.version,
        events.local_date,
        events.available_at

    from corrected_events
    inner join {{ source('raw', 'event_keys') }} as event_keys
        on
            corrected_events.user_id = event_keys.user_id
            and corrected_events.event_id = event_keys.event_id
    inner join {{ source('raw', 'events') }} as events
        on
            event_keys.user_id = events.user_id
            and event_keys.event_id = events.event_id
            and event_keys.version = events.version
            and event_keys.started_at = events.started_at

),

-- A later version that became known earlier hides this one from the start.
replaced as (

    select
        user_id,
        event_id,
        version,
        local_date,
        min(available_at) over later_versions as alive_until,
        min(available_at) over all_versions as first_available_at

    from versions
    window
        later_versions as (
            partition by user_id, event_id
            order by version
            rows between 1 following and unbounded following
        ),
        all_versions as (partition by user_id, event_id)

)

select * from replaced
