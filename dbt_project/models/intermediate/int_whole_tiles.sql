{{ config(materialized='view') }}

with

tiles as (

    select * from {{ ref('int_rating_tiles') }}
    union all
    select * from {{ ref('int_other_tiles') }}

)

select * from tiles
