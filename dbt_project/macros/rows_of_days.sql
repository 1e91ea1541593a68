{# What follows `from`: `rows` under the name `alias`; in an incremental build only those of `days`, looked up day by day.

   For views over the log. Postgres joins days to such a view at the end, after all events that there ever were have been
   read and taken apart: the fence (`offset 0`) makes it look the days up in the log by its index.
   `days` as in `only_days_of`, which is for tables. #}
{% macro rows_of_days(rows, alias, days) -%}
    {%- if is_incremental() -%}
    {{ days }} as days
    cross join lateral (
        select * from {{ rows }} as told
        where told.user_id = days.user_id and told.local_date = days.local_date
        offset 0 -- noqa: AM09
    ) as {{ alias }}
    {%- else -%}
    {{ rows }} as {{ alias }}
    {%- endif -%}
{%- endmacro %}
