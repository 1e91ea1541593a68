{{ config(
    materialized='incremental',
    incremental_strategy='replace_days',
    meta={'days': 'int_changed_days'},
    indexes=[{'columns': ['user_id', 'local_date', 'as_of', 'precision'], 'unique': true}],
    post_hook='{{ analyze_if_grown() }}',
) }}

with

labels as (

    select labels.*
    from {{ ref('int_labels') }} as labels
    {{ only_days_of(ref('int_changed_days'), 'labels') }}

),

user_days as (

    select user_days.* from {{ rows_of_days(ref('stg_user_days'), 'user_days', ref('int_changed_days')) }}

),

candidates as (

    select user_id, local_date, as_of, precision, local_seconds from labels
    union all
    select user_id, local_date, day_started_at as as_of, 'day' as precision, null as local_seconds from user_days

),

-- Two ratings may share a moment, and one with a date only shares it with the midnight of its day.
moments as (

    select distinct on (user_id, local_date, as_of, precision)
        user_id,
        local_date,
        as_of,
        precision,
        local_seconds

    from candidates
    order by user_id, local_date, as_of, precision, local_seconds

)

select * from moments
