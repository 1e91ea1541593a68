{# No two rows have the same values in `columns`, and none has a null there. With `days` (the name of a model of
   days) only the rows that the build at hand has written are judged, so that its cost does not grow with history. #}
{% test rows_are_unique(model, columns, days=none) %}

    select {{ columns | join(", ") }}
    from {{ model }} as judged
    {%- if days %}
    inner join {{ days }} as days using (user_id, local_date)
    {%- endif %}
    group by {{ columns | join(", ") }}
    having count(*) > 1 or num_nulls({{ columns | join(", ") }}) > 0

{% endtest %}
