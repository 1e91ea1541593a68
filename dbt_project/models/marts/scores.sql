-- Written by `aurora generate` from aurora/scores/catalogue.py; do not edit.
-- sqlfluff:max_line_length:0
with

scores as (

    select
        user_id,
        local_date,
        score_name,
        score,
        score_state,
        coverage,
        factors,
        version,
        as_of,
        tz

    from {{ ref('daily_part_scores') }}

    union all

    select
        user_id,
        local_date,
        'life' as score_name,
        score,
        score_state,
        coverage,
        factors,
        version,
        as_of,
        tz

    from {{ ref('daily_life_scores') }}

)

select * from scores
where {{ has_happened('as_of') }}
