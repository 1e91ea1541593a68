{# In an incremental build: keep the rows of the days that are built anew. In a full one: keep all.
   `days` is one of stg_touched_days, int_changed_days and int_rebuilt_days, always passed as a ref(), so that
   dbt sees the dependency also when it parses. #}
{% macro only_days_of(days, rows) -%}
    {%- if is_incremental() %}
    inner join {{ days }} as days
        on {{ rows }}.user_id = days.user_id and {{ rows }}.local_date = days.local_date
    {%- endif %}
{%- endmacro %}
