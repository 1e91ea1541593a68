{{ config(
    indexes=[{'columns': ['user_id', 'local_date'], 'unique': true}],
    post_hook='{{ analyze_if_grown() }}',
) }}

with

touched_days as (

    select * from {{ ref('stg_touched_days') }}

),

form_days as (

    select * from {{ ref('int_form_days') }}

),

-- A form that is answered on two days: when one of them changes, the moment of its labels may move on both.
days_of_touched_forms as (

    select
        form_days.user_id,
        form_days.local_date

    from touched_days
    inner join form_days as touched_form_days
        on
            touched_days.user_id = touched_form_days.user_id
            and touched_days.local_date = touched_form_days.local_date
    inner join form_days
        on
            touched_form_days.user_id = form_days.user_id
            and touched_form_days.form_id = form_days.form_id

),

changed_days as (

    select user_id, local_date from touched_days
    union
    select user_id, local_date from days_of_touched_forms

)

select * from changed_days
-- Whoever looks them up one by one goes through each table in its own order.
order by user_id, local_date
