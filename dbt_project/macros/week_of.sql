{# The week that a day lies in, by its number, from Monday on. Tiles lie week by week: what a day's windows read of everybody
   is the end of the table, whatever its history. #}
{% macro week_of(day) -%}
(({{ day }} - date '2000-01-03') / 7)
{%- endmacro %}
