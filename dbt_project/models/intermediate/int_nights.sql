{{ config(
    materialized='incremental',
    incremental_strategy='replace_days',
    meta={'days': 'int_rebuilt_days'},
    indexes=[{'columns': ['user_id', 'local_date'], 'unique': true}],
    post_hook='analyze {{ this }}',
) }}

with

all_nights as (

    select
        *,
        {{ bedtime_minutes_after_noon('local_bedtime') }} as bedtime_minutes_after_noon

    from {{ ref('int_sleep_merged_to_nights') }}

),

nights as (

    select nights.*
    from all_nights as nights
    {{ only_days_of(ref('int_rebuilt_days'), 'nights') }}

),

compared as (

    select
        nights.*,
        {{ bedtime_deviation_minutes('nights.bedtime_minutes_after_noon', 'usual.bedtime', 'usual.nights') }}
            as bedtime_deviation_minutes

    from nights
    cross join lateral (
        select
            percentile_cont(0.5) within group (order by earlier.bedtime_minutes_after_noon) as bedtime,
            count(earlier.bedtime_minutes_after_noon) as nights

        from all_nights as earlier
        where
            earlier.user_id = nights.user_id
            and earlier.local_date between nights.local_date - {{ usual_bedtime_days() }} and nights.local_date - 1
    ) as usual

)

select * from compared
