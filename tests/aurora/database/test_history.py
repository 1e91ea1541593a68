"""History can be asked and cannot be changed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, LiteralString
from uuid import UUID, uuid4

import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aurora.database.grants import FUNCTION_GRANTS, PROCESS_ROLES, VIEW_GRANTS
from aurora.database.history import ERASURE_SETTING
from aurora.database.tables import events
from aurora.events.storage import store_events
from aurora.features.live import read_log
from tests.aurora.events.received import NOW, USER, a_received_mood, accepted
from tests.aurora.events.test_storage import import_events

RoleUrl = Callable[..., str]
CHANGES: tuple[LiteralString, ...] = (
    "update raw.events set payload = '{}'",
    "update raw.event_keys set version = 9",
    "delete from raw.events",
    "delete from raw.event_keys",
)


async def known_at(database: psycopg.AsyncConnection[Any], instant: datetime) -> list[tuple[Any, ...]]:
    cursor = await database.execute(
        "select event_id, version, payload ->> 'valence' from raw.events_known_at(%s) order by 1", (instant,)
    )
    return await cursor.fetchall()


# --- what was known when ------------------------------------------------------------------------------------


async def test_what_was_known_at_an_instant_is_a_query(database: psycopg.AsyncConnection[Any]) -> None:
    event = a_received_mood()
    hour = timedelta(hours=1)
    for version, changes in enumerate([{}, {"payload": {"valence": -0.5}}, {"is_deleted": True}], start=1):
        body = event | {"version": version} | changes
        await store_events(database, [accepted(body, received_at=NOW + version * hour)])
    event_id = UUID(event["event_id"])

    assert await known_at(database, NOW) == []
    assert await known_at(database, NOW + hour) == [(event_id, 1, "0.4")]
    assert await known_at(database, NOW + 2 * hour) == [(event_id, 2, "-0.5")]
    assert await known_at(database, NOW + 3 * hour) == []


async def test_what_lies_ahead_is_current_and_not_known_yet(database: psycopg.AsyncConnection[Any]) -> None:
    body = a_received_mood(
        type="calendar.scheduled", started_at=(NOW + timedelta(days=30)).isoformat(), payload={}
    )

    await store_events(database, [accepted(body)])

    current = await (await database.execute("select event_id from raw.current_events")).fetchall()
    assert current == [(UUID(body["event_id"]),)]
    assert await known_at(database, NOW) == []


versions = st.lists(
    st.tuples(
        st.integers(0, 3),  # which event
        st.integers(1, 4),  # its version
        st.integers(-72, 72),  # received so many hours after NOW
        st.integers(0, 40),  # begun so many hours before NOW
        st.booleans(),
    ),
    max_size=14,
)


@given(versions, st.integers(-80, 80))
@settings(max_examples=60)
async def test_the_query_says_what_live_state_reads(
    database: psycopg.AsyncConnection[Any], drawn: list[tuple[int, int, int, int, bool]], hours: int
) -> None:
    user_id, as_of = uuid4(), NOW + timedelta(hours=hours)
    days = set()
    for number, version, received, begun, is_deleted in drawn:
        received_at = NOW + timedelta(hours=received)
        body = a_received_mood(
            event_id=str(UUID(int=number + 1)),
            version=version,
            started_at=(min(received_at, NOW) - timedelta(hours=begun)).isoformat(),
            is_deleted=is_deleted,
        )
        event = accepted(body, user_id=user_id, received_at=received_at)
        days.add(event.local_date)
        await store_events(database, [event])

    cursor = await database.execute(
        "select event_id, started_at from raw.events_known_at(%s) where user_id = %s", (as_of, user_id)
    )
    asked = {(event_id, started_at) for event_id, started_at in await cursor.fetchall()}
    assert asked == {
        (event.event_id, event.started_at) for event in await read_log(database, user_id, days, as_of)
    }


async def test_conditions_reach_the_partitions(database: psycopg.AsyncConnection[Any]) -> None:
    for month in ("2020-01-15", "2020-02-15", "2020-03-15"):
        await store_events(database, [accepted(a_received_mood(started_at=f"{month}T09:00:00Z"))])
    query: LiteralString = (
        "explain select * from raw.events_known_at('2026-01-01') where started_at >= '2020-02-01'"
        " and started_at < '2020-03-01'"
    )

    plan = "\n".join(line for (line,) in await (await database.execute(query)).fetchall())

    assert "Function Scan" not in plan
    assert "events_2020_02" in plan
    assert "on events_2020_01 events" not in plan


def test_current_events_have_the_columns_of_the_log(database_url: str) -> None:
    with psycopg.connect(database_url) as connection:
        cursor = connection.execute("select * from raw.current_events where false")
        assert [column.name for column in cursor.description or ()] == events.columns.keys()


# --- nobody changes it --------------------------------------------------------------------------------------


@pytest.mark.parametrize("role", PROCESS_ROLES)
@pytest.mark.parametrize("change", CHANGES)
def test_no_process_changes_what_was_stored(
    role: str, change: LiteralString, committed_database: str, role_url: RoleUrl
) -> None:
    import_events(committed_database, [accepted(a_received_mood())])

    with (
        psycopg.connect(role_url(role, committed_database)) as connection,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        connection.execute(change)


@pytest.mark.parametrize("change", CHANGES)
def test_whoever_may_is_refused_as_well(change: LiteralString, committed_database: str) -> None:
    import_events(committed_database, [accepted(a_received_mood())])

    with (
        psycopg.connect(committed_database) as owner,
        pytest.raises(psycopg.errors.RestrictViolation, match="append-only"),
    ):
        owner.execute(change)


def test_a_month_cannot_be_changed_past_the_log(committed_database: str) -> None:
    import_events(committed_database, [accepted(a_received_mood())])

    with (
        psycopg.connect(committed_database) as owner,
        pytest.raises(psycopg.errors.RestrictViolation, match="append-only"),
    ):
        owner.execute("delete from raw.events_2026_03")


def test_erasing_a_person_names_them_and_reaches_nobody_else(committed_database: str) -> None:
    other = uuid4()
    import_events(committed_database, [accepted(a_received_mood(), user_id=user) for user in (USER, other)])

    with psycopg.connect(committed_database) as owner:
        owner.execute("select set_config(%s, %s, true)", (ERASURE_SETTING, str(USER)))
        owner.execute("delete from raw.events where user_id = %s", (USER,))
        with pytest.raises(psycopg.errors.RestrictViolation):
            owner.execute("delete from raw.events")
    with psycopg.connect(committed_database) as owner, pytest.raises(psycopg.errors.RestrictViolation):
        owner.execute("delete from raw.event_keys where user_id = %s", (USER,))


# --- who may ask --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("role", PROCESS_ROLES)
def test_views_and_functions_answer_those_whom_the_matrix_names(role: str, role_url: RoleUrl) -> None:
    with psycopg.connect(role_url(role), autocommit=True) as connection:
        for view, readers in VIEW_GRANTS.items():
            assert _is_allowed(connection, f"select from {view} limit 1") == (role in readers), view
        for function, callers in FUNCTION_GRANTS.items():
            row = connection.execute(
                "select case when has_schema_privilege('raw', 'usage')"
                " then has_function_privilege(%s, 'execute') else false end",
                (function,),
            ).fetchone()
            assert row == (role in callers,), function


def test_asking_needs_the_right_to_read_the_log_itself(role_url: RoleUrl) -> None:
    for role in ("aurora_pipelines", "aurora_serving", "aurora_streams"):
        with psycopg.connect(role_url(role), autocommit=True) as connection:
            instant = datetime(2026, 1, 1, tzinfo=UTC)
            assert connection.execute("select from raw.events_known_at(%s)", (instant,)).fetchall() == []


def _is_allowed(connection: psycopg.Connection[Any], query: str) -> bool:
    try:
        connection.execute(query.encode())
    except psycopg.errors.InsufficientPrivilege:
        return False
    return True
