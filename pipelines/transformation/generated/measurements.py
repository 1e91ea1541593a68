"""Measurements: one view that reads every measure of every event type in a single pass over the log.

A part of a rating has no row of its own: it lies in that of the whole (docs/decisions/0050).
"""

from __future__ import annotations

from typing import Final

from aurora.events.catalogue import EVENT_TYPES, MEASURES, EventType
from aurora.events.measures import Measure
from aurora.features.sql import measure_sql
from pipelines.transformation.generated.texts import indented, one_line, sql_file

SOURCE: Final = "aurora/events/catalogue.py"


def measurement_files() -> dict[str, str]:
    """Path below `models/` → text. The view's description is written by hand, in _intermediate.yml."""
    kinds = [kind for kind in EVENT_TYPES.values() if kind.measures]
    names = "\n".join(f"                {_names(kind)}" for kind in kinds)
    values = "\n".join(f"                {_values(kind)}" for kind in kinds)
    parts = [_part(measure) for measure in MEASURES.values() if measure.lies_in]
    text = f"""
{{{{ config(materialized='view') }}}}

with

events as (

    select
        events.*,
        coalesce(spans.counts_from, events.alive_from) as counts_from,
        coalesce(spans.counts_until, events.alive_until) as counts_until

    from {{{{ ref('stg_events') }}}} as events
    left join {{{{ ref('int_reconciled_spans') }}}} as spans
        on
            events.user_id = spans.user_id
            and events.event_id = spans.event_id
            and events.version = spans.version
    where not events.is_deleted

),

measurements as (

    select
        events.user_id,
        events.event_id,
        events.version,
        events.type,
        events.started_at,
        events.local_date,
        measured.measure,
        measured.value,
{indented(parts, 8)},
        coalesce(events.ended_at, events.started_at) as at,
        events.counts_from as alive_from,
        events.counts_until as alive_until

    from events
    cross join lateral
        unnest(
            case events.type
{names}
            end,
            case events.type
{values}
            end
        ) as measured (measure, value)
    -- A version that was hidden before it became known was never alive.
    where measured.value is not null and events.counts_from < events.counts_until

)

select * from measurements
"""
    return {"intermediate/int_measurements.sql": sql_file("int_measurements", SOURCE, text)}


def _names(kind: EventType) -> str:
    return f"when '{kind.name}' then array[{', '.join(repr(measure.name) for measure in _wholes(kind))}]"


def _values(kind: EventType) -> str:
    values = ", ".join(one_line(measure_sql(measure)) for measure in _wholes(kind))
    return f"when '{kind.name}' then array[{values}]"


def _part(part: Measure) -> str:
    value = one_line(measure_sql(part))
    return f"case when measured.measure = '{part.lies_in}' then {value} end as {part.name}"


def _wholes(kind: EventType) -> list[Measure]:
    return [measure for measure in kind.measures if measure.lies_in is None]
