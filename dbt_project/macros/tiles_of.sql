{# The tiles of the events for which `where` holds: what a local day holds of a measure, in every state in which it was
   ever known. The body of a model that is built by `stg_touched_days`. `parts` are measures that lie in the rows of
   others: of each a tile has the count and the sum. #}
{% macro tiles_of(where, parts) -%}
with

measurements as not materialized (

    select {{ columns_by_time() }}
    from {{ rows_of_days(ref('int_measurements'), 'measurements', ref('stg_touched_days'), where, of_log=true) }}
    window {{ by_time() }}

),

-- Nothing was replaced: what is known only grows, and one pass of running aggregates says how.
grown as (

    select distinct on (week, user_id, local_date, measure, alive_from)
        week,
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
        {%- for part in parts %},
        nullif(count({{ part }}) over known, 0)::integer as {{ part }}_n,
        (sum({{ part }}) over known)::bigint as {{ part }}_total
        {%- endfor %}

    from measurements
    where not has_replaced
    -- A range, not rows: what became known at the same instant belongs together.
    window known as (partition by week, user_id, local_date, measure order by alive_from range unbounded preceding)
    order by week, user_id, local_date, measure, alive_from

),

-- Days of which something was replaced are few, and looked up: to pick them from what passes above, Postgres would
-- write all of it down.
replaced_days as (

    select distinct
        replaced.user_id,
        replaced.local_date

    from (
        select user_id, local_date from {{ ref('stg_replaced_versions') }}
        where alive_until < 'infinity'
        union all
        select user_id, local_date from {{ ref('int_reconciled_spans') }}
        where counts_until < 'infinity'
    ) as replaced
    {{ only_days_of(ref('stg_touched_days'), 'replaced') }}

),

with_replaced as materialized (

    select * from (
        select {{ columns_by_time() }}
        from {{ rows_looked_up(ref('int_measurements'), 'measurements', 'replaced_days', where, of_log=true) }}
        window {{ by_time() }}
    ) as measurements
    where has_replaced

),

-- Something was replaced: at each instant of change, everything that is alive is summed up anew.
changes as (

    select week, user_id, local_date, measure, alive_from as valid_from from with_replaced
    union
    select week, user_id, local_date, measure, alive_until as valid_from from with_replaced
    where alive_until < 'infinity'

),

replaced as (

    select
        changes.week,
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
        {%- for part in parts %},
        nullif(count(alive.{{ part }}), 0)::integer as {{ part }}_n,
        sum(alive.{{ part }})::bigint as {{ part }}_total
        {%- endfor %}

    from changes
    left join with_replaced as alive
        on
            changes.user_id = alive.user_id
            and changes.local_date = alive.local_date
            and changes.measure = alive.measure
            and changes.valid_from >= alive.alive_from
            and changes.valid_from < alive.alive_until
    group by changes.week, changes.user_id, changes.local_date, changes.measure, changes.valid_from

),

spans as (

    select
        *,
        coalesce(
            lead(valid_from) over (partition by week, user_id, local_date, measure order by valid_from), 'infinity'
        ) as valid_until

    from (select * from grown union all select * from replaced) as versions

),

tiles as (

    select
        week,
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
        {%- for part in parts %},
        {{ part }}_n,
        {{ part }}_total
        {%- endfor %}

    from spans
    -- A span in which all events of the day were deleted has no tile.
    where n > 0

)

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
    {%- for part in parts %},
    {{ part }}_n,
    {{ part }}_total
    {%- endfor %}
from tiles
-- A day of a person lies on one page or two: whoever replaces it changes and logs these alone. All that is sorted above is
-- so sorted.
order by week, user_id, local_date, measure, valid_from
{%- endmacro %}
