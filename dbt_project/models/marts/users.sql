with

users as (

    select
        user_id,
        tz,
        cohort,
        persona,
        created_at

    from {{ ref('stg_users') }}
    where deleted_at is null

)

select * from users
