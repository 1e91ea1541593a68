{# No two rows have the same values in `columns`, and none has a null there. With `days` (the name of a model of
   days) only the rows that an incremental build has written are judged, day by day, so that its cost does not grow
   with history: without the fence Postgres likes to join all of a view's tables first. #}
{% test rows_are_unique(model, columns, days=none) %}

    {%- set key = [] -%}
    {%- for column in columns %}{% do key.append("judged." ~ column) %}{% endfor %}

    select {{ key | join(", ") }}
    {%- if days and not flags.FULL_REFRESH %}
    from {{ days }} as days
    cross join lateral (
        select * from {{ model }} as written
        where written.user_id = days.user_id and written.local_date = days.local_date
        offset 0
    ) as judged
    {%- else %}
    from {{ model }} as judged
    {%- endif %}
    group by {{ key | join(", ") }}
    having count(*) > 1 or num_nulls({{ key | join(", ") }}) > 0

{% endtest %}
