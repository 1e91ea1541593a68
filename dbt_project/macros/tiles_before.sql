{# The tiles of `measure` in `model` that a window reads for the row of `days` at hand: those of the days before its own, from
   `first_day` days before on, each in the version that counted at the row's `known_by`. #}
{% macro tiles_before(model, measure, first_day) -%}
(
        select
            tiles.n,
            tiles.total,
            tiles.squares,
            tiles.lowest,
            tiles.highest,
            tiles.last_value,
            tiles.last_at,
            tiles.local_date - date '2000-01-01' as day,
            days.local_date - tiles.local_date as days_ago
        from {{ ref(model) }} as tiles
        where
            tiles.user_id = days.user_id
            and tiles.measure = '{{ measure }}'
            and {{ in_window('tiles', 'days.local_date', first_day, 1) }}
            and tiles.valid_from <= days.known_by
            and tiles.valid_until > days.known_by
    ) as tiles
{%- endmacro %}
