"""The measure of one event: SQL over its columns in the log equals Python over the event."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
from hypothesis import given, settings
from hypothesis import strategies as st

from aurora import clock
from aurora.events.catalogue import EVENT_TYPES, MEASURES, TYPE_OF_MEASURE
from aurora.events.measures import COUNT, DURATION
from aurora.features.catalogue import FEATURES
from aurora.features.sql import measure_sql, windows_by_measure

Event = tuple[dict[str, Any], datetime, datetime | None, datetime, str]

# Numbers as they come, and halves of a thousandth, where two ways of rounding part.
numbers = (
    st.floats(-1e6, 1e6)
    | st.integers(-(10**6), 10**6).map(lambda n: n / 2000)
    | st.sampled_from([-0.6, -0.2, 0, 0.2, 0.6])
)
fields = sorted({measure.field for measure in MEASURES.values()} - {COUNT, DURATION})
payloads = st.fixed_dictionaries(
    {}, optional={**dict.fromkeys(fields, numbers), "is_nap": st.booleans(), "is_resting": st.booleans()}
)
spans = st.none() | st.integers(0, 7 * 86_400 * 10**6) | st.integers(0, 10**6).map(lambda n: n * 30_000)


@st.composite
def events(draw: st.DrawFn) -> Event:
    started_at = draw(
        st.datetimes(
            datetime.fromisoformat("2000-01-01"), datetime.fromisoformat("2030-01-01"), timezones=st.just(UTC)
        )
    )
    span = draw(spans)
    ended_at = None if span is None else started_at + timedelta(microseconds=span)
    local = clock.local_time(started_at, draw(st.sampled_from(["UTC", "Asia/Kathmandu", "Europe/Oslo"])))
    return draw(payloads), started_at, ended_at, local, draw(st.sampled_from(["instant", "instant", "day"]))


@settings(max_examples=40)
@given(st.lists(events(), min_size=1, max_size=25))
async def test_every_measure_reads_the_same_in_sql_and_in_python(
    database: psycopg.AsyncConnection, events: list[Event]
) -> None:
    columns = ", ".join(measure_sql(measure) for measure in MEASURES.values())
    query = f"""
        select {columns}
        from unnest(%s::jsonb[], %s::timestamptz[], %s::timestamptz[], %s::timestamp[], %s::text[])
            with ordinality as event (payload, started_at, ended_at, local_started_at, precision, ordinal)
        order by ordinal
    """
    values = [list(column) for column in zip(*events, strict=True)]
    values[0] = [json.dumps(payload) for payload in values[0]]
    async with database.transaction():
        cursor = await database.execute(query.encode(), values)
        found = await cursor.fetchall()

    for (payload, started_at, ended_at, local, precision), row in zip(events, found, strict=True):
        for measure, in_sql in zip(MEASURES.values(), row, strict=True):
            in_python = (
                measure.scaled(payload, started_at, ended_at) if measure.belongs(local, precision) else None
            )
            assert in_sql == in_python, (measure.name, payload)


def test_every_measure_belongs_to_the_type_that_lists_it() -> None:
    for name, kind in TYPE_OF_MEASURE.items():
        assert MEASURES[name] in EVENT_TYPES[kind.name].measures


def test_a_window_that_several_features_share_is_rendered_once() -> None:
    windows = windows_by_measure(FEATURES.values())

    for measure, found in windows.items():
        assert len(set(found)) == len(found) == len({window.column() for window in found})
        assert {window.measure for window in found} == {measure}
