with

searches as (

    select * from {{ ref('stg_pattern_searches') }}

),

counted as (

    select
        user_id,
        week_ended_date,
        first_date,
        told_days,
        patterns,
        coalesce((tested ->> 'lagged_correlation')::integer, 0) as correlations_tested,
        coalesce((tested ->> 'weekday_effect')::integer, 0) as weekday_effects_tested,
        coalesce((tested ->> 'change_point')::integer, 0) as change_points_tested,
        omitted,
        method_version,
        searched_at,
        week_ended_date = max(week_ended_date) over (partition by user_id) as is_newest

    from searches

)

select * from counted
