with

patterns as (

    select
        user_id,
        week_ended_date,
        place,
        kind,
        outcome,
        subject,
        timing,
        lag_days,
        changed_on_date,
        direction,
        estimate,
        lower,
        upper,
        unit,
        difference,
        above,
        days,
        effective_n,
        p_value,
        q_value,
        stars,
        sentence

    from {{ source('insights', 'patterns') }}

)

select * from patterns
