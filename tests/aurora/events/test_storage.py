from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any, LiteralString
from uuid import UUID, uuid4

import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

from aurora.database.partitions import ensure_partitions
from aurora.events.acceptance import AcceptedEvent, Rejected
from aurora.events.ciphertext import new_person_key, open_text, unwrap
from aurora.events.storage import incoming_row, store_events, store_incoming, store_rejected
from aurora.events.storing_statements import INCOMING_COLUMNS, create_incoming
from aurora.topics import EVENTS_ACCEPTED
from tests.aurora.events.received import NOW, USER, a_received_mood, a_received_night, accepted

Connection = psycopg.AsyncConnection[Any]

EVENT_ID = UUID("7f000001-0000-4000-8000-00000000000e")
TABLES = ("events", "event_keys", "touched_days", "user_days", "outbox")


def a_mood(**changes: Any) -> AcceptedEvent:
    return accepted(a_received_mood(**changes))


def mood_at(time: str, *, version: int = 1, **changes: Any) -> AcceptedEvent:
    """A version of one and the same event."""
    return a_mood(event_id=str(EVENT_ID), version=version, started_at=time, **changes)


async def rows(connection: Connection, query: LiteralString) -> list[dict[str, Any]]:
    async with connection.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(query)
        return await cursor.fetchall()


async def row_counts(connection: Connection) -> Counter[str]:
    counts = await rows(
        connection,
        """
        select
            (select count(*) from raw.events) as events,
            (select count(*) from raw.event_keys) as event_keys,
            (select count(*) from raw.touched_days) as touched_days,
            (select count(*) from raw.user_days) as user_days,
            (select count(*) from raw.outbox) as outbox
        """,
    )
    return Counter(counts[0])


async def days_in(connection: Connection, table: LiteralString) -> set[date]:
    return {row["local_date"] for row in await rows(connection, "select local_date from raw." + table)}


# --- one event ----------------------------------------------------------------------------------------------


async def test_an_accepted_event_is_in_the_log_as_it_was_derived(database: Connection) -> None:
    event = accepted(a_received_night(form_id="morning", source={"name": "watch", "modality": "sensed"}))

    assert await store_events(database, [event]) == ["accepted"]

    (logged,) = await rows(database, "select * from raw.events")
    for name, stored in logged.items():
        if name not in {"note_ciphertext", "batch_id"}:
            assert stored == getattr(event, name), name
    assert logged["note_ciphertext"] is logged["batch_id"] is None


async def test_acceptance_touches_the_day_knows_its_borders_and_announces_ids_only(
    database: Connection,
) -> None:
    event = accepted(a_received_night())

    await store_events(database, [event])

    (day,) = await rows(database, "select * from raw.user_days")
    assert day == {
        "user_id": USER,
        "local_date": date(2026, 3, 29),
        "day_started_at": datetime(2026, 3, 28, 23, tzinfo=UTC),
        "day_ended_at": datetime(2026, 3, 29, 22, tzinfo=UTC),
        "tz": "Europe/Oslo",
    }
    assert await days_in(database, "touched_days") == {date(2026, 3, 29)}
    (message,) = await rows(database, "select topic, user_id, body from raw.outbox")
    body = message["body"]
    assert message["topic"] == EVENTS_ACCEPTED
    assert body.pop("received_at")
    assert body == {
        "user_id": str(USER),
        "event_id": str(event.event_id),
        "version": 1,
        "type": "sleep.recorded",
        "local_date": "2026-03-29",
    }


async def test_the_same_event_again_changes_nothing(database: Connection) -> None:
    event = a_mood()
    await store_events(database, [event])
    before = await row_counts(database)

    assert await store_events(database, [replace(event, received_at=NOW)]) == ["duplicate"]

    assert await row_counts(database) == before


async def test_another_body_under_the_same_version_is_a_conflict_and_changes_nothing(
    database: Connection,
) -> None:
    await store_events(database, [mood_at("2026-03-30T09:00:00+02:00")])
    before = await row_counts(database)

    assert await store_events(database, [mood_at("2026-03-30T10:00:00+02:00")]) == ["conflict"]

    assert await row_counts(database) == before


async def test_a_version_older_than_the_newest_is_kept_as_superseded(database: Connection) -> None:
    await store_events(database, [mood_at("2026-03-30T09:00:00+02:00", version=3)])

    outcome = await store_events(database, [mood_at("2026-03-30T08:00:00+02:00", version=2)])

    assert outcome == ["superseded"]
    assert (await row_counts(database))["events"] == 2


async def test_events_of_several_people_under_one_id_are_not_each_others(database: Connection) -> None:
    event = a_mood()

    assert await store_events(database, [event, replace(event, user_id=uuid4())]) == ["accepted"] * 2


async def test_no_events_are_no_work(database: Connection) -> None:
    assert await store_events(database, []) == []


# --- corrections and deletions ------------------------------------------------------------------------------


async def test_a_correction_that_moves_an_event_to_another_month_touches_both_days(
    database: Connection,
) -> None:
    await store_events(database, [mood_at("2026-02-27T09:00:00+01:00")])
    await database.execute("delete from raw.touched_days")

    assert await store_events(database, [mood_at("2026-03-02T09:00:00+01:00", version=2)]) == ["accepted"]

    assert await days_in(database, "touched_days") == {date(2026, 2, 27), date(2026, 3, 2)}
    partitions = await rows(database, "select tableoid::regclass::text as name from raw.events order by 1")
    assert [row["name"] for row in partitions] == ["raw.events_2026_02", "raw.events_2026_03"]


async def test_a_correction_touches_every_day_that_an_earlier_version_lay_on(database: Connection) -> None:
    await store_events(database, [mood_at("2026-03-01T09:00:00+01:00")])
    await store_events(database, [mood_at("2026-03-02T09:00:00+01:00", version=2)])
    await database.execute("delete from raw.touched_days")

    await store_events(database, [mood_at("2026-03-03T09:00:00+01:00", version=3)])

    assert await days_in(database, "touched_days") == {date(2026, 3, day) for day in (1, 2, 3)}


async def test_two_versions_in_one_batch_touch_both_days(database: Connection) -> None:
    first = mood_at("2026-03-01T09:00:00+01:00")
    second = mood_at("2026-03-02T09:00:00+01:00", version=2)

    assert await store_events(database, [second, first]) == ["accepted", "superseded"]

    assert await days_in(database, "touched_days") == {date(2026, 3, 1), date(2026, 3, 2)}


async def test_a_deletion_is_a_new_version_and_the_log_keeps_the_old_one(database: Connection) -> None:
    await store_events(database, [mood_at("2026-03-30T09:00:00+02:00")])

    deletion = mood_at("2026-03-30T09:00:00+02:00", version=2, is_deleted=True)
    assert await store_events(database, [deletion]) == ["accepted"]

    log = await rows(database, "select version, is_deleted, payload from raw.events order by version")
    assert log == [
        {"version": 1, "is_deleted": False, "payload": {"valence": 0.4}},
        {"version": 2, "is_deleted": True, "payload": {}},
    ]


# --- batches ------------------------------------------------------------------------------------------------


async def test_a_batch_is_never_all_or_nothing(database: Connection) -> None:
    known = a_mood()
    await store_events(database, [known])
    clash = replace(a_mood(event_id=str(known.event_id), payload={"valence": -1}), user_id=USER)
    fresh = a_mood()

    assert await store_events(database, [known, clash, fresh, fresh]) == [
        "duplicate",
        "conflict",
        "accepted",
        "duplicate",
    ]


async def test_of_two_bodies_under_one_version_in_a_batch_the_first_counts(database: Connection) -> None:
    one, other = mood_at("2026-03-30T09:00:00+02:00"), mood_at("2026-03-30T10:00:00+02:00")

    assert await store_events(database, [one, other]) == ["accepted", "conflict"]

    (logged,) = await rows(database, "select started_at from raw.events")
    assert logged["started_at"] == one.started_at


def expected_outcomes(stored: dict[tuple[int, int], int], batch: Sequence[tuple[int, int, int]]) -> list[str]:
    """What the rules say: `stored` is (id, version) → body so far, and is brought up to date."""
    highest: dict[int, int] = {}
    for event, version, *_ in [*stored, *batch]:
        highest[event] = max(version, highest.get(event, 0))
    outcomes = []
    for event, version, body in batch:
        if (event, version) in stored:
            outcomes.append("duplicate" if stored[event, version] == body else "conflict")
        else:
            stored[event, version] = body
            outcomes.append("accepted" if version == highest[event] else "superseded")
    return outcomes


a_batch = st.lists(st.tuples(st.integers(0, 2), st.integers(1, 3), st.integers(0, 2)), max_size=6)


@settings(max_examples=100)
@given(st.lists(a_batch, max_size=4), st.sampled_from([1, 1_000]))
async def test_any_batches_in_any_order_have_the_outcomes_that_the_rules_say(
    database: Connection, batches: list[list[tuple[int, int, int]]], copied_from: int
) -> None:
    user, stored = uuid4(), dict[tuple[int, int], int]()
    ids = [uuid4() for _ in range(3)]
    # Bodies lie on three days and in two months.
    times = ("2026-03-30T09:00:00+02:00", "2026-03-31T09:00:00+02:00", "2026-04-01T09:00:00+02:00")
    for batch in batches:
        events = [
            replace(
                accepted(
                    a_received_mood(event_id=str(ids[event]), version=version, started_at=times[body]),
                    received_at=datetime(2026, 4, 2, tzinfo=UTC),
                ),
                user_id=user,
            )
            for event, version, body in batch
        ]
        expected = expected_outcomes(stored, batch)
        assert await store_events(database, events, copied_from=copied_from) == expected
    cursor = await database.execute(
        "select event_id, version, started_at from raw.events where user_id = %s", (user,)
    )
    logged = {(ids.index(event), version): at for event, version, at in await cursor.fetchall()}
    assert logged == {key: datetime.fromisoformat(times[body]) for key, body in stored.items()}


HARD_TEXT = "back\\slash \"quote\" 'single' comma, null {curly} \\n \\. é 🙂"


@pytest.mark.parametrize("name", [HARD_TEXT, "a\tb\nc\r\x0bd\x7f", "null", '"', "\\", "\u2028"])
@pytest.mark.parametrize("copied_from", [1, 1_000])
async def test_any_text_reaches_the_log_as_it_is(database: Connection, name: str, copied_from: int) -> None:
    source = {"name": f"x{name}x", "record_id": f"x{name}x", "device": f"x{name}x"}
    event = a_mood(source=source, form_id=f"x{name}x", payload={"valence": 0.5, "labels": [f"x{name}x"]})
    plain = a_mood()

    await store_events(database, [event, plain], copied_from=copied_from)

    (row,) = await rows(database, "select * from raw.events where source_name <> 'test'")
    assert (row["source_name"], row["source_record_id"], row["source_device"]) == (f"x{name}x",) * 3
    assert (row["form_id"], row["payload"]) == (f"x{name}x", event.payload)
    assert row["body_hash"] == event.body_hash
    (row,) = await rows(database, "select * from raw.events where source_name = 'test'")
    assert (row["source_record_id"], row["form_id"]) == (None, None)
    assert {name: row[name] for name in ("known_at", "local_started_at", "day_started_at")} == {
        name: getattr(plain, name) for name in ("known_at", "local_started_at", "day_started_at")
    }


# --- transactions -------------------------------------------------------------------------------------------


async def test_a_rolled_back_request_leaves_nothing_anywhere(database: Connection) -> None:
    await store_events(database, [a_mood()])
    before = await row_counts(database)

    async with database.transaction(force_rollback=True):
        await store_events(database, [a_mood(), a_mood()])
        assert (await row_counts(database))["outbox"] == before["outbox"] + 2

    assert await row_counts(database) == before


async def test_event_and_outbox_row_come_from_one_transaction(database: Connection) -> None:
    await store_events(database, [a_mood()])

    (row,) = await rows(
        database,
        "select events.xmin = outbox.xmin and outbox.xmin = touched_days.xmin as is_one"
        " from raw.events, raw.outbox, raw.touched_days",
    )
    assert row["is_one"]


def make_months(url: str, *events: AcceptedEvent) -> None:
    """Beforehand, so that nobody waits for a partition where a test is about waiting for a key."""
    with psycopg.connect(url) as connection:
        ensure_partitions(connection, (event.started_at for event in events))


async def in_two_connections(
    url: str, first: AcceptedEvent, second: AcceptedEvent, *, first_commits: bool = True
) -> tuple[list[str], list[str]]:
    """The second store begins while the first one's transaction is open, and has to wait for its end."""
    make_months(url, first, second)
    async with (
        await psycopg.AsyncConnection.connect(url) as one,
        await psycopg.AsyncConnection.connect(url) as other,
    ):
        first_outcome = await store_events(one, [first])
        waiting = asyncio.create_task(store_events(other, [second]))
        for _ in range(500):
            cursor = await one.execute(
                "select count(*) from pg_stat_activity"
                " where wait_event_type = 'Lock' and datname = current_database()"
            )
            if (await cursor.fetchone() or (0,))[0]:
                break
            await asyncio.sleep(0.01)
        assert not waiting.done()
        await (one.commit() if first_commits else one.rollback())
        second_outcome = await waiting
        await other.commit()
    return list(first_outcome), list(second_outcome)


async def test_of_two_clients_that_send_one_event_at_once_only_one_is_told_accepted(
    committed_database: str,
) -> None:
    event = a_mood(payload={"valence": 0.4, "labels": ["100 %s sure"]})

    assert await in_two_connections(committed_database, event, event) == (["accepted"], ["duplicate"])


async def test_of_two_bodies_sent_at_once_under_one_version_the_later_is_a_conflict(
    committed_database: str,
) -> None:
    one, other = mood_at("2026-03-30T09:00:00+02:00"), mood_at("2026-03-30T10:00:00+02:00")

    assert await in_two_connections(committed_database, one, other) == (["accepted"], ["conflict"])


async def test_a_client_that_waited_for_one_that_rolled_back_is_accepted(committed_database: str) -> None:
    event = a_mood()

    outcomes = await in_two_connections(committed_database, event, event, first_commits=False)

    assert outcomes == (["accepted"], ["accepted"])
    async with await psycopg.AsyncConnection.connect(committed_database) as connection:
        assert await row_counts(connection) == dict.fromkeys(TABLES, 1)


async def test_clients_that_send_the_same_batch_in_other_orders_do_not_lock_each_other_out(
    committed_database: str,
) -> None:
    events = [a_mood(started_at=f"2026-03-{1 + number % 28:02}T09:00:00+01:00") for number in range(60)]
    make_months(committed_database, *events)

    async def store(batch: list[AcceptedEvent]) -> Counter[str]:
        async with await psycopg.AsyncConnection.connect(committed_database) as connection:
            return Counter(await store_events(connection, batch))

    orders = (events, events[::-1], events[30:] + events[:30], events[::2] + events[1::2])
    outcomes = sum(await asyncio.gather(*(store(batch) for batch in orders)), Counter[str]())

    assert outcomes == {"accepted": 60, "duplicate": 180}


async def test_two_clients_that_need_a_new_month_at_once_both_get_it(committed_database: str) -> None:
    async def store(day: int) -> list[str]:
        async with await psycopg.AsyncConnection.connect(committed_database) as connection:
            outcomes = await store_events(connection, [a_mood(started_at=f"2019-05-0{day}T09:00:00+02:00")])
            await asyncio.sleep(0.1)
            return list(outcomes)

    assert await asyncio.gather(store(1), store(2), store(3)) == [["accepted"]] * 3


# --- free text ----------------------------------------------------------------------------------------------


async def test_a_note_is_stored_sealed_and_stands_in_clear_nowhere(database: Connection) -> None:
    system_key = "ab" * 32
    person_key = unwrap(system_key, USER, new_person_key(system_key, USER))
    event = a_mood(note="the secret of my life")

    await store_events(database, [event], keys={USER: person_key})

    (row,) = await rows(database, "select note_ciphertext from raw.events")
    assert open_text(person_key, event.event_id, row["note_ciphertext"]) == "the secret of my life"
    for table in TABLES:
        cursor = await database.execute(f"select to_jsonb(t)::text from raw.{table} as t".encode())
        for (text,) in await cursor.fetchall():
            assert "secret" not in text
            assert b"secret".hex() not in text


async def test_a_note_without_the_persons_key_is_an_error_rather_than_a_loss(database: Connection) -> None:
    with pytest.raises(ValueError, match="person's key"):
        await store_events(database, [a_mood(note="tired")])


# --- imports ------------------------------------------------------------------------------------------------


def import_events(url: str, events: Sequence[AcceptedEvent]) -> dict[str, int]:
    with psycopg.connect(url) as connection:
        ensure_partitions(connection, (event.started_at for event in events))
        connection.execute(create_incoming("incoming_events"))
        columns = ", ".join(INCOMING_COLUMNS)
        with connection.cursor().copy(f"copy incoming_events ({columns}) from stdin".encode()) as copy:
            for ordinal, event in enumerate(events):
                row = incoming_row(ordinal, event)
                copy.write_row([*(row | {"payload": Jsonb(row["payload"])}).values()])
        outcomes = store_incoming(connection, "incoming_events", today=NOW.date())
    return {outcome: len(ordinals) for outcome, ordinals in outcomes.items()}


def test_an_import_has_the_same_outcomes_as_a_request(committed_database: str) -> None:
    event, correction = mood_at("2026-03-30T09:00:00+02:00"), mood_at("2026-03-30T10:00:00+02:00", version=2)
    clash = mood_at("2026-03-30T11:00:00+02:00", version=2)

    assert import_events(committed_database, [event, correction, clash, event]) == {
        "accepted": 1,
        "superseded": 1,
        "conflict": 1,
        "duplicate": 1,
    }


def test_a_second_import_of_the_same_events_adds_nothing(committed_database: str) -> None:
    events = [a_mood() for _ in range(20)]
    import_events(committed_database, events)

    assert import_events(committed_database, events)["duplicate"] == 20


def test_an_import_announces_each_recent_day_of_a_person_once(committed_database: str) -> None:
    recent = [a_mood(started_at=f"2026-03-{day}T0{hour}:00:00+02:00") for day in (28, 29) for hour in (3, 4)]
    old = a_mood(started_at="2026-01-15T09:00:00+01:00")

    import_events(committed_database, [*recent, old])

    with psycopg.connect(committed_database) as connection:
        found = connection.execute("select body ->> 'local_date' from raw.outbox order by 1").fetchall()
        assert [day for (day,) in found] == ["2026-03-28", "2026-03-29"]
        touched = connection.execute("select count(*) from raw.touched_days").fetchone()
        assert touched == (3,)


def test_an_import_that_waited_for_a_twin_still_accounts_for_every_row(committed_database: str) -> None:
    same, clash = a_mood(), mood_at("2026-03-30T10:00:00+02:00")
    make_months(committed_database, same)

    async def race() -> dict[str, int]:
        async with await psycopg.AsyncConnection.connect(committed_database) as other:
            await store_events(other, [same, mood_at("2026-03-30T09:00:00+02:00")])
            importing = asyncio.create_task(
                asyncio.to_thread(import_events, committed_database, [same, clash])
            )
            await asyncio.sleep(0.3)
            assert not importing.done()
            await other.commit()
            return await importing

    assert asyncio.run(race()) == {"accepted": 0, "duplicate": 1, "superseded": 0, "conflict": 1}


# --- dead letters -------------------------------------------------------------------------------------------


async def test_what_was_rejected_is_kept_whole_with_its_reason(database: Connection) -> None:
    letter = Rejected("invalid_payload", "valence: too high", '{"valence": 9}')

    await store_rejected(database, None, "api", [letter, replace(letter, body="\x00")])

    kept = await rows(database, "select user_id, source, reason_code, reason, body from raw.rejected_events")
    assert kept[0] == {
        "user_id": None,
        "source": "api",
        "reason_code": "invalid_payload",
        "reason": "valence: too high",
        "body": '{"valence": 9}',
    }
    assert len(kept) == 2
