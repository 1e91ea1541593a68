{{ config(
    indexes=[{'columns': ['user_id', 'local_date'], 'unique': true}],
    post_hook='{{ analyze_if_grown() }}',
) }}

with

rebuilt_days as (

    select * from {{ ref('int_rebuilt_days') }}

),

-- Nobody asks for it where all are rebuilt.
user_days as ( -- noqa: ST03

    select * from {{ ref('stg_user_days') }}

),

rescored_days as (

    {% if flags.FULL_REFRESH %}
    -- All of them: to find that out would take longer than to build them.
    select * from rebuilt_days
    {% else %}
    -- The life score counts the scored days of the last 28: what a window reaches, it reaches 27 days further.
    select distinct
        user_days.user_id,
        user_days.local_date

    from rebuilt_days
    inner join user_days
        on
            rebuilt_days.user_id = user_days.user_id
            and user_days.local_date between rebuilt_days.local_date and rebuilt_days.local_date + 27
    {% endif %}

)

select * from rescored_days
-- Whoever looks them up one by one goes through each table in its own order.
order by user_id, local_date
