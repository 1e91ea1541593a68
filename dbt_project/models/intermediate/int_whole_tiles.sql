{{ config(materialized='view') }}

with

tiles as (

    {% for table in ['int_rating_tiles', 'int_other_tiles'] -%}
    select
        user_id,
        local_date,
        measure,
        valid_from,
        valid_until,
        n,
        total,
        squares,
        lowest,
        highest,
        last_value,
        last_at

    from {{ ref(table) }}
    {{ 'union all' if not loop.last }}
    {% endfor %}
)

select * from tiles
