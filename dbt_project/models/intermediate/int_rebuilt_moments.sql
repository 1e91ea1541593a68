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

rebuilt_moments as (

    select
        -- Four columns say which moment it is, and of these together Postgres knows nothing: it takes a join by them for
        -- one to a single row.
        row_number() over (order by user_id, local_date, as_of, precision) as moment_number,
        user_id,
        local_date,
        as_of,
        precision,
        local_seconds

    from moments

)

select * from rebuilt_moments
