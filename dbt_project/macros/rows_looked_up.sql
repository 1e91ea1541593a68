{# What `rows_of_days` gives in an incremental build, whatever is built. `by` are the columns that `rows` are looked up by,
   where those of `days` are no days but what else one may ask for. #}
{% macro rows_looked_up(rows, alias, days, where=none, by=('user_id', 'local_date')) -%}
    {{ days }} as days
    cross join lateral (
        select * from {{ rows }} as told
        where {% for column in by %}{{ 'and ' if not loop.first }}told.{{ column }} = days.{{ column }}{{ ' ' if not loop.last }}{% endfor %}
        {%- if where %} and {{ where }}{% endif %}
        offset 0 -- noqa: AM09
    ) as {{ alias }}
{%- endmacro %}
