{# The block of 28 days that a day lies in, by its number. By it tiles are indexed for windows: a day of everybody
   changes the pages of one block, not those of every measure, and a window of at most 28 days lies in two blocks. #}
{% macro block_of(day) -%}
(({{ day }} - date '2000-01-03') / 28)
{%- endmacro %}
