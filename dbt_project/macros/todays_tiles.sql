{# The tiles of each moment's own day as far as they were known by then, those of several measures side by side.
   `columns` says which columns are asked of which measure. There is one tile of a measure at most, and `max` picks it.

   In a full build all tiles are wanted. The fence (`offset 0`) keeps Postgres from looking them up moment by moment: it
   expects fewer versions than there are. #}
{% macro todays_tiles(columns) -%}
select
        moments.moment_number
        {%- for measure, names in columns.items() %}
        {%- for name in names %},
        max(tiles.{{ name }}) filter (where tiles.measure = '{{ measure }}') as {{ measure }}_today_{{ name }}
        {%- endfor %}
        {%- endfor %}

    from moments
    {%- if not flags.FULL_REFRESH %}
    inner join {{ ref('int_tiles') }} as tiles
    {%- else %}
    inner join (
        select * from {{ ref('int_tiles') }}
        where measure in ('{{ columns | join("', '") }}')
        offset 0 -- noqa: AM09
    ) as tiles
    {%- endif %}
        on
            moments.user_id = tiles.user_id
            and moments.local_date = tiles.local_date
            and moments.as_of >= tiles.valid_from
            and moments.as_of < tiles.valid_until
    where tiles.measure in ('{{ columns | join("', '") }}')
    group by moments.moment_number
{%- endmacro %}
