with

user_days as (

    select
        user_id,
        local_date,
        day_started_at,
        day_ended_at,
        tz

    from {{ source('raw', 'user_days') }}

)

select * from user_days
