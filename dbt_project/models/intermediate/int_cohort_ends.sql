{{ config(materialized='view') }}

with

users as (

    select * from {{ ref('stg_users') }}

),

-- The present of a cohort: of people who are alive it is today, of a study that is over its last day.
ends as (

    select
        users.cohort,
        max(newest.local_date) as last_date

    from users
    cross join lateral (
        select days.local_date
        from {{ ref('int_days') }} as days
        where
            days.user_id = users.user_id
            and days.events > 0
            and {{ has_happened('days.day_started_at') }}
        order by days.local_date desc
        limit 1
    ) as newest
    where users.deleted_at is null
    group by users.cohort

)

select * from ends
