{# What follows `from` in a test of `model`, under the name `judged`: in a full build all rows; with `days` (a model of
   days) in any other those that it has written, so that the cost does not grow with history. They are looked up day by
   day: without the fence Postgres likes to join all of a view's tables first. `near` names an instant that lies on that
   day or beside it, where an index knows instants and no days. #}
{% macro rows_to_judge(model, days, near=none) -%}
    {%- if days and not flags.FULL_REFRESH -%}
    (
        select written.*
        from {{ days }} as days
        cross join lateral (
            select * from {{ model }} as told
            where
                told.user_id = days.user_id
                and told.local_date = days.local_date
                {%- if near %}
                and told.{{ near }} >= days.local_date - 1
                and told.{{ near }} < days.local_date + 3
                {%- endif %}
            offset 0
        ) as written
    ) as judged
    {%- else -%}
    {{ model }} as judged
    {%- endif -%}
{%- endmacro %}
