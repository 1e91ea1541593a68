{# Keep the rows of `tiles` from `first_day` days before the first of a person's `rows` up to the last: of
   those for which `where` holds. #}
{% macro only_tiles_around(rows, first_day, where='true') -%}
inner join (
            select
                user_id,
                min(local_date) - {{ first_day }} as first_date,
                max(local_date) as last_date
            from {{ rows }}
            where {{ where }}
            group by user_id
        ) as spans
            on
                tiles.user_id = spans.user_id
                and {{ block_of('tiles.local_date') }} between {{ block_of('spans.first_date') }} and {{ block_of('spans.last_date') }}
                and tiles.local_date between spans.first_date and spans.last_date
{%- endmacro %}
