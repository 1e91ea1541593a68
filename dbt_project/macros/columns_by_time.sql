{# Of measurements: their week, their place in the day by time, and whether anything of the day was replaced. #}
{% macro columns_by_time() -%}
measurements.*,
        {{ week_of('measurements.local_date') }} as week,
        row_number() over by_time as time_rank,
        bool_or(measurements.alive_until < 'infinity') over by_time as has_replaced
{%- endmacro %}
