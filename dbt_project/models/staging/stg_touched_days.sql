{{ config(materialized='table', post_hook='{{ analyze_if_grown() }}') }}

with

touched_days as (

    select distinct
        user_id,
        local_date

    from {{ source('raw', 'touched_days' if flags.FULL_REFRESH else 'unbuilt_days') }}

)

select * from touched_days
