{{ config(materialized='table', post_hook='analyze {{ this }}') }}

with

touched_days as (

    select * from {{ source('raw', 'touched_days') }}

),

last_good_build as (

    select snapshot_xmin
    from {{ source('raw', 'builds') }}
    where state = 'good'
    order by snapshot_xmin desc
    limit 1

),

-- What that build could not have seen, and a little that it did: building a day again is harmless.
touched_since as (

    select distinct
        user_id,
        local_date

    from touched_days
    {% if not flags.FULL_REFRESH %}
    where xid >= coalesce((select snapshot_xmin from last_good_build), '0'::xid8)
    {% endif %}

)

select * from touched_since
