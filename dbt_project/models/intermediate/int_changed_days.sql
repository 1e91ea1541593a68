{{ config(
    indexes=[{'columns': ['user_id', 'local_date'], 'unique': true}],
    post_hook='{{ analyze_if_grown() }}',
) }}

with

touched_days as (

    select * from {{ ref('stg_touched_days') }}

),

-- Nobody asks for them where all days are built.
touched_forms as ( -- noqa: ST03

    select distinct
        form_days.user_id,
        form_days.form_id

    from {{ rows_looked_up(ref('int_form_days'), 'form_days', 'touched_days') }}

),

changed_days as (

    select user_id, local_date from touched_days
    {% if not flags.FULL_REFRESH %}
    -- A form that is answered on two days: when one of them changes, the moment of its labels may move on both.
    union
    select
        form_days.user_id,
        form_days.local_date
    from {{ rows_looked_up(ref('int_form_days'), 'form_days', 'touched_forms', by=('user_id', 'form_id')) }}
    {% endif %}

)

select * from changed_days
-- Whoever looks them up one by one goes through each table in its own order.
order by user_id, local_date
