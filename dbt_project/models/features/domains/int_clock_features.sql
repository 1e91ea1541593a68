-- Written by `aurora generate` from aurora/features/catalogue.py; do not edit.
-- sqlfluff:max_line_length:0
{{ config(pre_hook="set local enable_mergejoin = off; set local work_mem = '64MB'", post_hook='{{ analyze_if_grown() }}') }}

with

-- Not materialized: of a table Postgres knows how many rows there are.
moments as not materialized (

    select * from {{ ref('int_rebuilt_moments') }}

),

features as (

    select
        moments.user_id,
        moments.moment_number,
        (moments.local_seconds / 3600::float8) as hour_of_day,
        extract(isodow from moments.local_date)::float8 as day_of_week,
        (extract(isodow from moments.local_date) >= 6)::integer::float8 as is_weekend

    from moments

)

select * from features
