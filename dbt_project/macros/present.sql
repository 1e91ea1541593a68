{# The instant at which somebody reads. Unit tests choose another. #}
{% macro present() -%}
    now()
{%- endmacro %}
