{# Of a large log many millions of measurements are sorted: by more than one worker, as handing rows over costs little
   beside that, and in pieces of `work_mem` that are merged once. #}
{{ config(
    materialized='incremental',
    incremental_strategy='replace_days',
    meta={'days': 'stg_touched_days'},
    indexes=[
        {'columns': ['user_id', block_of('local_date'), 'measure', 'local_date']},
        {'columns': ['user_id', 'local_date', 'valid_from', 'measure'], 'unique': true},
    ],
    pre_hook="set local work_mem = '128MB'; set local parallel_tuple_cost = 0.01",
    post_hook='{{ analyze_if_grown() }}',
) }}

with

measurements as (

    select
        measurements.*,
        row_number() over by_time as time_rank,
        bool_or(measurements.alive_until < 'infinity') over by_time as has_replaced

    from {{ rows_of_days(ref('int_measurements'), 'measurements', ref('stg_touched_days')) }}
    window
        -- The last value is that of the latest event; of two at one instant, the one with the higher id.
        by_time as (
            partition by measurements.user_id, measurements.measure, measurements.local_date
            order by measurements.at, measurements.event_id, measurements.version, measurements.alive_from
            rows between unbounded preceding and unbounded following
        )

),

-- Nothing was replaced: what is known only grows, and one pass of running aggregates says how.
grown as (

    select distinct on (user_id, measure, local_date, alive_from)
        user_id,
        local_date,
        measure,
        alive_from as valid_from,
        count(*) over known as n,
        sum(value) over known as total,
        sum(value * value) over known as squares,
        min(value) over known as lowest,
        max(value) over known as highest,
        (max(array[time_rank, value]) over known)[2] as last_value,
        max(at) over known as last_at

    from measurements
    where not has_replaced
    -- A range, not rows: what became known at the same instant belongs together.
    window known as (partition by user_id, measure, local_date order by alive_from range unbounded preceding)
    order by user_id, measure, local_date, alive_from

),

-- Something was replaced: at each instant of change, everything that is alive is summed up anew.
-- Few are, and they are picked once from the many.
with_replaced as materialized (

    select * from measurements
    where has_replaced

),

changes as (

    select user_id, measure, local_date, alive_from as valid_from from with_replaced
    union
    select user_id, measure, local_date, alive_until as valid_from from with_replaced
    where alive_until < 'infinity'

),

replaced as (

    select
        changes.user_id,
        changes.local_date,
        changes.measure,
        changes.valid_from,
        count(alive.value) as n,
        sum(alive.value) as total,
        sum(alive.value * alive.value) as squares,
        min(alive.value) as lowest,
        max(alive.value) as highest,
        (max(array[alive.time_rank, alive.value]))[2] as last_value,
        max(alive.at) as last_at

    from changes
    left join with_replaced as alive
        on
            changes.user_id = alive.user_id
            and changes.measure = alive.measure
            and changes.local_date = alive.local_date
            and changes.valid_from >= alive.alive_from
            and changes.valid_from < alive.alive_until
    group by changes.user_id, changes.measure, changes.local_date, changes.valid_from

),

spans as (

    select
        *,
        coalesce(
            lead(valid_from) over (partition by user_id, measure, local_date order by valid_from), 'infinity'
        ) as valid_until

    from (select * from grown union all select * from replaced) as versions

),

tiles as (

    select
        user_id,
        local_date,
        measure,
        valid_from,
        valid_until,
        n::integer as n,
        total::bigint as total,
        squares,
        lowest,
        highest,
        last_value,
        last_at

    from spans
    -- A span in which all events of the day were deleted has no tile.
    where n > 0

)

select * from tiles
-- Windows read one measure of one person over days: these rows lie together. All that is sorted above is so sorted.
order by user_id, measure, local_date, valid_from
