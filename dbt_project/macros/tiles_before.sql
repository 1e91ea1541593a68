{# What windows read for the row of `days` at hand: the `columns` of the tiles of `measures` in `model`, of the days before
   its own, from `first_day` days before on, each in the version that counted at the row's `known_by`. Newest first: a fenced
   subquery hands its rows over in its order, so that no sum has to sort them. #}
{% macro tiles_before(model, measures, columns, first_day) -%}
(
        select
            tiles.measure,
            tiles.{{ columns | join(',\n            tiles.') }},
            tiles.local_date - date '2000-01-01' as day,
            days.local_date - tiles.local_date as days_ago
        from {{ ref(model) }} as tiles
        where
            tiles.user_id = days.user_id
            and tiles.local_date between days.local_date - {{ first_day }} and days.local_date - 1
            and tiles.measure in ('{{ measures | join("', '") }}')
            and tiles.valid_from <= days.known_by
            and tiles.valid_until > days.known_by
        order by tiles.local_date desc
        offset 0 -- noqa: AM09
    ) as tiles
{%- endmacro %}
