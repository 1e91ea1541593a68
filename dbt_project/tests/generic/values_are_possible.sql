{# No row breaks one of `conditions`; what is not known breaks none. Which rows are judged: see rows_to_judge. #}
{% test values_are_possible(model, conditions, days=none, near=none) %}

    select
        broken.condition,
        judged.*

    from {{ rows_to_judge(model, days, near) }}
    cross join lateral (
        values
        {% for condition in conditions -%}
        (({{ condition }}) is false, '{{ condition | replace("'", "''") }}'){{ "," if not loop.last }}
        {% endfor %}
    ) as broken (is_broken, condition)
    where broken.is_broken

{% endtest %}
