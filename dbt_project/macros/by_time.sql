{# The last value is that of the latest event; of two at one instant, the one with the higher id. #}
{% macro by_time() -%}
by_time as (
        partition by
            {{ week_of('measurements.local_date') }},
            measurements.user_id,
            measurements.local_date,
            measurements.measure
        order by measurements.at, measurements.event_id, measurements.version, measurements.alive_from
        rows between unbounded preceding and unbounded following
    )
{%- endmacro %}
