{# Each row has its row in `owner`, where the columns that `columns` names have the same values. One is counted for each
   row, by an index: Postgres would go through the whole owner for an anti-join. Which rows are judged: see
   rows_to_judge. #}
{% test rows_belong_to(model, owner, columns, days=none) %}

    select judged.*
    from {{ rows_to_judge(model, days) }}
    where (
        select count(*) from {{ owner }} as owners
        where
            {% for column, of_owner in columns.items() -%}
            owners.{{ of_owner }} = judged.{{ column }}{{ " and" if not loop.last }}
            {% endfor %}
    ) = 0

{% endtest %}
