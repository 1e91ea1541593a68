with

workouts as (

    select * from {{ ref('int_workouts') }}

)

select * from workouts
