"""Every measurement of the log as a row, parts of ratings too: what DuckDB and Polars read out of Postgres.

The warehouse lets parts lie in the rows of their wholes (docs/decisions/0050). To take them out of these would take the
others longer than to read the log, which has no such rows.
"""

from __future__ import annotations

from typing import Final

from aurora.events.catalogue import EVENT_TYPES, EventType
from aurora.features.sql import measure_sql


def _names(kind: EventType) -> str:
    return f"array[{', '.join(repr(measure.name) for measure in kind.measures)}]"


def _values(kind: EventType) -> str:
    return f"array[{', '.join(measure_sql(measure) for measure in kind.measures)}]"


_KINDS: Final = [kind for kind in EVENT_TYPES.values() if kind.measures]
_NAMES: Final = " ".join(f"when '{kind.name}' then {_names(kind)}" for kind in _KINDS)
_VALUES: Final = " ".join(f"when '{kind.name}' then {_values(kind)}" for kind in _KINDS)

EVERY_MEASUREMENT: Final = f"""
    select
        events.user_id::text as user_id,
        measured.measure,
        events.local_date,
        measured.value,
        coalesce(events.ended_at, events.started_at) as happened_at,
        coalesce(spans.counts_from, events.alive_from) as alive_from
    from staging.stg_events as events
    left join intermediate.int_reconciled_spans as spans
        on events.user_id = spans.user_id and events.event_id = spans.event_id and events.version = spans.version
    cross join lateral unnest(case type {_NAMES} end, case type {_VALUES} end) as measured (measure, value)
    where
        not events.is_deleted
        and measured.value is not null
        and coalesce(spans.counts_until, events.alive_until) = 'infinity'
"""  # noqa: S608  # of the catalogue
"""Of all versions that count now; none is seen as it was before."""
