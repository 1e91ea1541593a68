{# Whether a tile is of the days from `first` to `last` days before `day`: at most 28, as they lie in two blocks. Told as a
   range: of two numbers in a list Postgres thinks so little of the index by blocks that it takes the other one. #}
{% macro in_window(tiles, day, first, last) -%}
{%- if first - last > 27 -%}
    {{ exceptions.raise_compiler_error("a window of " ~ (first - last + 1) ~ " days: a tile is looked for in 28 at most") }}
{%- endif -%}
{{ block_of(tiles ~ ".local_date") }} between {{ block_of("(" ~ day ~ " - " ~ first ~ ")") }} and {{ block_of("(" ~ day ~ " - " ~ last ~ ")") }}
            and {{ tiles }}.local_date between {{ day }} - {{ first }} and {{ day }} - {{ last }}
{%- endmacro %}
