with

users as (

    select
        user_id,
        tz,
        cohort,
        persona,
        created_at,
        deleted_at

    from {{ source('app', 'users') }}

)

select * from users
