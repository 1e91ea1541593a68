{{ config(materialized='table', post_hook='{{ analyze_if_grown() }}') }}

with

touched_days as (

    select distinct
        user_id,
        local_date

    from {{ source('raw', 'touched_days' if flags.FULL_REFRESH else 'unbuilt_days') }}

)

select * from touched_days
-- Whoever looks them up one by one goes through each table in its own order.
order by user_id, local_date
