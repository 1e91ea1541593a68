{# The tiles that a window of `measure` reads for the row of `moments` at hand: those of the local days from
   `first_day` to `last_day` before the moment's own, each in the version that was known at its `as_of`.
   `has_rank` numbers them, the newest day first, for aggregates that weigh days by rank. #}
{% macro tiles_of_window(measure, first_day, last_day=0, has_rank=false) -%}
(
        select
            tiles.n,
            tiles.total,
            tiles.squares,
            tiles.lowest,
            tiles.highest,
            tiles.last_value,
            tiles.last_at,
            moments.local_date - tiles.local_date as days_ago
            {%- if has_rank %},
            row_number() over (order by tiles.local_date desc) - 1 as day_rank
            {%- endif %}
        from {{ ref('int_tiles') }} as tiles
        where
            tiles.user_id = moments.user_id
            and tiles.measure = '{{ measure }}'
            and tiles.local_date between moments.local_date - {{ first_day }} and moments.local_date - {{ last_day }}
            and tiles.valid_from <= moments.as_of
            and tiles.valid_until > moments.as_of
    ) as tiles
{%- endmacro %}
