{# No two rows have the same values in `columns`, and none has a null there. Which rows are judged: see rows_to_judge;
   tagged `all_history`, none, unless a build makes the views anew: for what cannot be asked of a few people. #}
{% test rows_are_unique(model, columns, days=none, near=none, people_of=none, of_log=false) %}

    {%- set key = [] -%}
    {%- for column in columns %}{% do key.append("judged." ~ column) %}{% endfor %}

    select {{ key | join(", ") }}
    from {{ rows_to_judge(model, days, near, people_of, of_log) }}
    group by {{ key | join(", ") }}
    having count(*) > 1 or num_nulls({{ key | join(", ") }}) > 0

{% endtest %}
