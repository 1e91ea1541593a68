{# What follows `from`: `rows` under the name `alias`, those for which `where` holds; in an incremental build only those of
   `days`, looked up day by day.

   For views over the log and over all tiles. Postgres joins days to such a view at the end, after all that there ever was
   has been read and taken apart: the fence (`offset 0`) makes it look the days up by an index.
   `days` as in `only_days_of`, which is for tables; `of_log` as in `rows_looked_up`. #}
{% macro rows_of_days(rows, alias, days, where=none, of_log=false) -%}
    {%- if is_incremental() -%}
    {{ rows_looked_up(rows, alias, days, where, of_log=of_log) }}
    {%- elif where -%}
    (select * from {{ rows }} where {{ where }}) as {{ alias }}
    {%- else -%}
    {{ rows }} as {{ alias }}
    {%- endif -%}
{%- endmacro %}
