-- Written by `aurora generate` from aurora/scores/bedtime.py; do not edit.
-- sqlfluff:max_line_length:0
{{ config(
    materialized='incremental',
    incremental_strategy='replace_days',
    meta={'days': 'int_rebuilt_days'},
    indexes=[{'columns': ['user_id', 'local_date'], 'unique': true}],
    post_hook='{{ analyze_if_grown() }}',
) }}

with

nights as (

    select
        nights.*,
        mod(extract(epoch from nights.local_started_at::time) / 60 + 720, 1440)::float8 as bedtime_minutes_after_noon

    from {{ ref('int_sleep_merged_to_nights') }} as nights
    {{ only_days_of(ref('int_rebuilt_days'), 'nights') }}

),

compared as (

    select
        nights.*,
        earlier.usual_bedtime_minutes_after_noon,
        case when earlier.nights >= 5 then least(abs(nights.bedtime_minutes_after_noon - earlier.usual_bedtime_minutes_after_noon), 1440 - abs(nights.bedtime_minutes_after_noon - earlier.usual_bedtime_minutes_after_noon)) end as bedtime_deviation_minutes,
        case when num_nulls(nights.asleep_spans, before.asleep_spans) = 0 then 100 * (1 - least((select coalesce(sum(upper(span) - lower(span)), 0) from unnest((nights.asleep_spans + before.asleep_spans) - (nights.asleep_spans * before.asleep_spans)) as differing (span)), 1440)::float8 / 1440::float8) end as same_state_percent

    from nights
    left join {{ ref('int_sleep_merged_to_nights') }} as before
        on nights.user_id = before.user_id and nights.local_date - 1 = before.local_date
    cross join lateral (
        select
            count(local_started_at) as nights,
            percentile_cont(0.5) within group (order by mod(extract(epoch from local_started_at::time) / 60 + 720, 1440)::float8) as usual_bedtime_minutes_after_noon
        from {{ ref('int_sleep_merged_to_nights') }}
        where
            user_id = nights.user_id
            and local_date between nights.local_date - 14 and nights.local_date - 1
            and local_started_at is not null
    ) as earlier

)

select * from compared
