{{ config(
    indexes=[{'columns': ['user_id', 'local_date'], 'unique': true}],
    post_hook='analyze {{ this }}',
) }}

with

changed_days as (

    select * from {{ ref('int_changed_days') }}

),

user_days as (

    select * from {{ ref('stg_user_days') }}

),

-- A window reads at most 28 days: a change of one day reaches the 27 days after it. One more costs nothing.
rebuilt_days as (

    select distinct
        user_days.user_id,
        user_days.local_date

    from changed_days
    inner join user_days
        on
            changed_days.user_id = user_days.user_id
            and user_days.local_date between changed_days.local_date and changed_days.local_date + 28

)

select * from rebuilt_days
