with

searches as (

    select
        user_id,
        week_ended_date,
        first_date,
        told_days,
        patterns,
        tested,
        omitted,
        method_version,
        searched_at

    from {{ source('insights', 'pattern_searches') }}

)

select * from searches
