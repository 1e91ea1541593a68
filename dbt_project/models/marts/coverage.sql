with

events as (

    select * from {{ ref('int_events') }}

),

coverage as (

    select
        user_id,
        source_name,
        count(*) as events,
        count(distinct type) as types,
        count(distinct local_date) as days,
        min(local_date) as first_date,
        max(local_date) as last_date,
        max(received_at) as last_received_at

    from events
    group by user_id, source_name

)

select * from coverage
