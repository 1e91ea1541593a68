{# The tiles of each moment's own day as far as they were known by then, those of several measures side by side.
   `columns`: what a column is called → the measure whose tile it is of, and where that says it; `model` has them. There is
   one tile of a measure at most: of one measure nothing is to be picked, of several `max` does.

   In a full build all tiles are wanted. Else a day's are looked up once for all of its moments. The fences (`offset 0`)
   keep Postgres from looking them up moment by moment: it expects fewer versions than there are. #}
{% macro todays_tiles(model, columns) -%}
{%- set measures = columns.values() | map('first') | unique | list -%}
select
        moments.moment_number
        {%- for name, (measure, column) in columns.items() %},
        {% if measures | length == 1 %}tiles.{{ column }}{% else %}max(tiles.{{ column }}) filter (where tiles.measure = '{{ measure }}'){% endif %} as {{ name }}
        {%- endfor %}

    from moments
    {%- if flags.FULL_REFRESH %}
    inner join (
        select * from {{ ref(model) }}
        where measure in ('{{ measures | join("', '") }}')
        offset 0 -- noqa: AM09
    ) as tiles
        on
            moments.user_id = tiles.user_id
            and moments.local_date = tiles.local_date
    {%- else %}
    inner join (
        select
            days.day_number,
            told.*
        from (select distinct day_number, user_id, local_date from moments order by user_id, local_date) as days
        cross join lateral (
            select * from {{ ref(model) }} as tiles
            where
                tiles.user_id = days.user_id
                and {{ in_window('tiles', 'days.local_date', 0, 0) }}
                and tiles.measure in ('{{ measures | join("', '") }}')
            offset 0 -- noqa: AM09
        ) as told
    ) as tiles
        on moments.day_number = tiles.day_number
    {%- endif %}
            and moments.as_of >= tiles.valid_from
            and moments.as_of < tiles.valid_until
    {%- if measures | length > 1 %}
    group by moments.moment_number
    {%- endif %}
{%- endmacro %}
