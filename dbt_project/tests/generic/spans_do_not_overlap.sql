{# Of one user, local day and measure, no two spans of knowledge overlap. Judges the days of this build, looked up one by
   one. #}
{% test spans_do_not_overlap(model) %}

    with

    spans as (

        select
            spans.valid_from,
            lag(spans.valid_until) over (
                partition by spans.user_id, spans.local_date, spans.measure order by spans.valid_from
            ) as previous_until,
            spans.valid_until

        from {{ ref('stg_touched_days') }} as days
        cross join lateral (
            select * from {{ model }} as written
            where written.user_id = days.user_id and written.local_date = days.local_date
            offset 0
        ) as spans

    )

    select * from spans
    where valid_from >= valid_until or valid_from < previous_until

{% endtest %}
