{# What `rows_of_days` gives in an incremental build, whatever is built. `by` are the columns that `rows` are looked up by,
   where those of `days` are no days but what else one may ask for.

   The log has a partition for each month of `started_at`, and Postgres would look a day up in all that there ever were: `of_log`
   are rows of it, of which only those are asked that began nine days before their day or later. An event lasts seven days at
   most, and its day is that of its beginning or end where the person was. No end is given: of a span Postgres expects so few
   rows that it looks them up by the wrong index, and after a day there are rarely many months. #}
{% macro rows_looked_up(rows, alias, days, where=none, by=('user_id', 'local_date'), of_log=false) -%}
    {{ days }} as days
    cross join lateral (
        select * from {{ rows }} as told
        where {% for column in by %}{{ 'and ' if not loop.first }}told.{{ column }} = days.{{ column }}{{ ' ' if not loop.last }}{% endfor %}
        {%- if of_log %} and told.started_at >= days.local_date - 9{% endif %}
        {%- if where %} and {{ where }}{% endif %}
        offset 0 -- noqa: AM09
    ) as {{ alias }}
{%- endmacro %}
