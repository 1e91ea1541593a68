-- Written by `aurora generate` from aurora/features/catalogue.py; do not edit.
-- sqlfluff:max_line_length:0
{{ config(post_hook='{{ analyze_if_grown() }}') }}
{# Asked for in any case, so that dbt sees it also when it parses for a full build. #}
{%- set rebuilt_days = ref('int_rebuilt_days') %}

with

moments as (

    select moments.*
    from {{ ref('int_moments') }} as moments
    {% if not flags.FULL_REFRESH %}
    inner join {{ rebuilt_days }} as days
        on moments.user_id = days.user_id and moments.local_date = days.local_date
    {% endif %}

),

days as (

    select
        user_id,
        local_date,
        row_number() over (order by user_id, local_date) as day_number,
        count(*) over (partition by user_id) as asked_days

    from (select distinct user_id, local_date from moments) as asked

),

settled_days as (

    select
        days.*,
        coalesce(settled.sleep_settled_at, '-infinity') as sleep_settled_at,
        coalesce(settled.activity_settled_at, '-infinity') as activity_settled_at,
        coalesce(settled.intake_settled_at, '-infinity') as intake_settled_at,
        coalesce(settled.ratings_settled_at, '-infinity') as ratings_settled_at,
        coalesce(settled.moods_settled_at, '-infinity') as moods_settled_at,
        coalesce(settled.surroundings_settled_at, '-infinity') as surroundings_settled_at

    from days
    cross join lateral (
        select
            max(sleep_changed_at) as sleep_settled_at,
            max(activity_changed_at) as activity_settled_at,
            max(intake_changed_at) as intake_settled_at,
            max(ratings_changed_at) as ratings_settled_at,
            max(moods_changed_at) as moods_settled_at,
            max(surroundings_changed_at) filter (where local_date >= days.local_date - 1) as surroundings_settled_at
        from {{ ref('int_domain_changes') }}
        where user_id = days.user_id and local_date between days.local_date - 27 and days.local_date - 1
    ) as settled

),

numbered as (

    select
        -- Of this build alone: what another build has computed, and this one has not yet, finds no moment.
        extract(epoch from now())::bigint * 1000000000 + row_number() over (
            order by moments.user_id, moments.local_date, moments.as_of, moments.precision
        ) as moment_number,
        moments.as_of,
        moments.precision,
        moments.local_seconds,
        settled_days.*

    from moments
    inner join settled_days
        on moments.user_id = settled_days.user_id and moments.local_date = settled_days.local_date

)

select * from numbered
