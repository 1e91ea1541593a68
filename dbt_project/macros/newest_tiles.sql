{# One row a day: the newest tiles of several measures side by side, from `first_day` days before the first of a person's
   framed `days` on, null where there is none. `columns`: what a column is called → the measure whose tile it is of, and
   where that says it. The framed days are among the rows, if only to be asked for: they have a `known_number`. #}
{% macro newest_tiles(model, columns, first_day) -%}
{%- set measures = columns.values() | map('first') | unique | list -%}
{%- set told = columns.values() | map('last') | unique | list -%}
select
        user_id,
        local_date - date '2000-01-01' as day,
        max(known_number) as known_number
        {%- for name, (measure, column) in columns.items() %},
        max({{ column }}) filter (where measure = '{{ measure }}') as {{ name }}
        {%- endfor %}

    from (
        select
            tiles.user_id,
            tiles.local_date,
            null::bigint as known_number,
            tiles.measure,
            tiles.{{ told | join(',\n            tiles.') }}

        from {{ ref(model) }} as tiles
        {{ only_tiles_around('days', first_day, where='is_framed') }}
        where tiles.measure in ('{{ measures | join("', '") }}') and tiles.valid_until = 'infinity'
        union all
        select user_id, local_date, known_number, null{{ ', null' * (told | length) }}
        from days
        where is_framed
    ) as newest
    group by user_id, local_date
{%- endmacro %}
