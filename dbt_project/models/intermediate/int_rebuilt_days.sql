{{ config(
    indexes=[{'columns': ['user_id', 'local_date'], 'unique': true}],
    post_hook='{{ analyze_if_grown() }}',
) }}

with

-- Nobody asks for it where all are rebuilt.
changed_days as ( -- noqa: ST03

    select * from {{ ref('int_changed_days') }}

),

user_days as (

    select * from {{ ref('stg_user_days') }}

),

rebuilt_days as (

    {% if flags.FULL_REFRESH %}
    -- All of them: to find that out would take longer than to build them.
    select user_id, local_date from user_days
    {% else %}
    -- A window reads at most 28 days: a change of one day reaches the 27 days after it. One more costs nothing.
    select distinct
        user_days.user_id,
        user_days.local_date

    from changed_days
    -- A fence: looked up one by one, they cost the same however long the history is.
    cross join lateral (
        select * from user_days as told
        where
            told.user_id = changed_days.user_id
            and told.local_date between changed_days.local_date and changed_days.local_date + 28
        offset 0 -- noqa: AM09
    ) as user_days
    {% endif %}

)

select * from rebuilt_days
-- Whoever looks them up one by one goes through each table in its own order.
order by user_id, local_date
