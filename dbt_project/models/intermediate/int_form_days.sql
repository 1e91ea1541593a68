{{ config(
    materialized='incremental',
    incremental_strategy='replace_days',
    meta={'days': 'stg_touched_days'},
    indexes=[
        {'columns': ['user_id', 'form_id', 'local_date'], 'unique': true},
        {'columns': ['user_id', 'local_date']},
    ],
    post_hook='{{ analyze_if_grown() }}',
) }}

with

events as (

    select events.*
    from {{ rows_of_days(ref('stg_events'), 'events', ref('stg_touched_days'), of_log=true) }}
    where events.form_id is not null

),

form_days as (

    select
        user_id,
        form_id,
        local_date,
        min(first_available_at) as first_available_at

    from events
    group by user_id, form_id, local_date

)

select * from form_days
