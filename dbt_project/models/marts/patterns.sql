with

patterns as (

    select * from {{ ref('stg_patterns') }}

),

searches as (

    select
        user_id,
        week_ended_date,
        first_date,
        week_ended_date = max(week_ended_date) over (partition by user_id) as is_newest

    from {{ ref('stg_pattern_searches') }}

),

dated as (

    select
        patterns.user_id,
        patterns.week_ended_date,
        patterns.place,
        searches.is_newest,
        searches.first_date,
        patterns.kind,
        patterns.outcome,
        patterns.subject,
        patterns.timing,
        patterns.lag_days,
        patterns.changed_on_date,
        patterns.direction,
        patterns.estimate,
        patterns.lower,
        patterns.upper,
        patterns.unit,
        patterns.difference,
        patterns.above,
        patterns.days,
        patterns.effective_n,
        patterns.p_value,
        patterns.q_value,
        patterns.stars,
        patterns.sentence

    from patterns
    inner join searches
        on patterns.user_id = searches.user_id and patterns.week_ended_date = searches.week_ended_date

)

select * from dated
