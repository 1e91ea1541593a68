{{ config(
    materialized='incremental',
    incremental_strategy='replace_days',
    meta={'days': 'stg_touched_days'},
    indexes=[
        {'columns': ['user_id', 'local_date']},
        {'columns': ['user_id', 'event_id'], 'unique': true},
    ],
    post_hook='{{ analyze_if_grown() }}',
) }}

with

spans as (

    select spans.*
    from {{ ref('int_reconciled_spans') }} as spans
    {{ only_days_of(ref('stg_touched_days'), 'spans') }}

),

outranked as (

    select distinct
        user_id,
        event_id,
        local_date,
        outranked_by

    from spans
    where outranked_by is not null

)

select * from outranked
