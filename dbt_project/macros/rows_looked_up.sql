{# What `rows_of_days` gives in an incremental build, whatever is built. #}
{% macro rows_looked_up(rows, alias, days, where=none) -%}
    {{ days }} as days
    cross join lateral (
        select * from {{ rows }} as told
        where told.user_id = days.user_id and told.local_date = days.local_date
        {%- if where %} and {{ where }}{% endif %}
        offset 0 -- noqa: AM09
    ) as {{ alias }}
{%- endmacro %}
