"""Dead letters get another chance: through the same acceptance, once, and with everything accounted for."""

from __future__ import annotations

import json
from collections import Counter
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest

from aurora.database.grants import PIPELINES
from aurora.events import replays
from aurora.events.acceptance import Rejected
from aurora.events.catalogue import EVENT_TYPES, EventType
from aurora.events.ciphertext import new_person_key, open_text, seal_text, unwrap
from aurora.events.dead_letters import (
    LetterCount,
    Wanted,
    count_letters,
    discard_letter,
    list_letters,
    read_letter,
)
from aurora.events.payloads import Note
from aurora.events.reasons import CODES, REASONS
from aurora.events.replays import ReplayReport, opened_body, replay, replay_letters
from aurora.events.storage import store_events, store_rejected
from tests.aurora.events.received import NOW, USER, a_received_mood, accepted

Connection = psycopg.AsyncConnection[Any]
SYSTEM_KEY = "ab" * 32
WRAPPED = new_person_key(SYSTEM_KEY, USER)
PERSON_KEY = unwrap(SYSTEM_KEY, USER, WRAPPED)


@pytest.fixture
async def log(database: Connection) -> Connection:
    await database.execute(
        "insert into app.users (user_id, username, tz, data_key_ciphertext) values (%s, 'ana', %s, %s)",
        (USER, "Europe/Oslo", WRAPPED),
    )
    return database


async def set_aside(
    log: Connection,
    body: Any,
    code: str = "unknown_type",
    *,
    source: str = "api",
    user_id: UUID | None = USER,
) -> None:
    text = body if isinstance(body, str) else json.dumps(body)
    await store_rejected(log, user_id, source, [Rejected(code, "because", text)])  # type: ignore[arg-type]


async def set_aside_by_import(
    log: Connection, body: Any, batch_id: UUID, *, code: str = "unknown_type"
) -> None:
    await log.execute(
        "insert into raw.rejected_events (user_id, source, reason_code, reason, body, batch_id, row_number)"
        " values (%s, 'diary', %s, 'because', %s, %s, 1)",
        (USER, code, json.dumps(body), batch_id),
    )


async def replayed(log: Connection, **wanted: Any) -> ReplayReport:
    return await replay_letters(log, Wanted(**wanted), SYSTEM_KEY)


async def value(log: Connection, query: str) -> Any:
    row = await (await log.execute(query.encode())).fetchone()
    return row[0] if row else None


@pytest.fixture
def learned(monkeypatch: pytest.MonkeyPatch) -> None:
    """The fix: the catalogue has learned a type."""
    kind = EventType("dream.remembered", Note, "A dream.")
    monkeypatch.setitem(EVENT_TYPES, kind.name, kind)


def a_dream(**changes: Any) -> dict[str, Any]:
    return a_received_mood(type="dream.remembered", payload={}, **changes)


# --- the catalogue of reasons -------------------------------------------------------------------------------


def test_every_code_is_in_the_catalogue_with_a_sentence_and_a_remedy() -> None:
    assert tuple(REASONS) == CODES
    for reason in REASONS.values():
        assert reason.sentence.endswith(".")
        assert reason.remedy.endswith(".")


# --- replays ------------------------------------------------------------------------------------------------


async def test_after_a_fix_letters_are_accepted_and_known_from_now_on(log: Connection, learned: None) -> None:
    body = a_dream()
    await set_aside(log, body)

    report = await replayed(log)

    assert report.outcomes == Counter(accepted=1)
    assert await value(log, "select count(*) from raw.events where type = 'dream.remembered'") == 1
    assert await value(log, "select known_at > now() - interval '1 hour' from raw.events")
    assert await value(log, "select count(*) from raw.outbox") == 1
    assert await value(log, "select replayed_at is not null from raw.rejected_events")


async def test_a_replay_repeated_finds_nothing_more(log: Connection, learned: None) -> None:
    await set_aside(log, a_dream())
    await replayed(log)

    again = await replayed(log)

    assert (again.outcomes, again.rejected, again.left) == (Counter(), Counter(), Counter())
    assert await value(log, "select count(*) from raw.events") == 1


async def test_what_is_still_wrong_says_why_and_waits_on(log: Connection) -> None:
    await set_aside(log, a_dream())
    await set_aside(log, a_received_mood(payload={"valence": 9}), "unknown_type")
    await set_aside(log, "{broken", "undecodable")

    report = await replayed(log)

    assert report.rejected == Counter(unknown_type=1, invalid_payload=1, undecodable=1)
    assert report.settled == 0
    assert await value(log, "select count(*) from raw.rejected_events where replayed_at is null") == 3


async def test_an_event_from_the_future_is_accepted_once_its_time_has_come(log: Connection) -> None:
    await set_aside(log, a_received_mood(), "future_event")

    assert (await replayed(log)).outcomes == Counter(accepted=1)


async def test_a_twin_in_the_log_is_a_duplicate_and_another_body_a_conflict(log: Connection) -> None:
    same, other = a_received_mood(), a_received_mood()
    await store_events(log, [accepted(same), accepted(other)])
    await set_aside(log, same)
    await set_aside(log, other | {"payload": {"valence": -1}})

    report = await replayed(log)

    assert report.outcomes == Counter(duplicate=1, conflict=1)
    assert await value(log, "select count(*) from raw.rejected_events where replayed_at is null") == 1


@pytest.mark.parametrize("wanted", [{"source": "diary"}, {"reason_code": "too_large"}, {"since": NOW}])
async def test_only_letters_that_are_asked_for_are_replayed(
    log: Connection, learned: None, wanted: dict[str, Any]
) -> None:
    await set_aside(log, a_dream())
    await log.execute("update raw.rejected_events set received_at = %s", (NOW - timedelta(days=1),))

    assert (await replayed(log, **wanted)).settled == 0
    assert (await replayed(log, source="api", reason_code="unknown_type")).settled == 1


async def test_free_text_is_ciphertext_on_its_whole_way(log: Connection, learned: None) -> None:
    sealed = seal_text(PERSON_KEY, USER, json.dumps("I flew.")).hex()
    await set_aside(log, a_dream() | {"note": {"sealed": sealed}})

    assert (await replayed(log)).outcomes == Counter(accepted=1)
    row = await (await log.execute("select event_id, note_ciphertext from raw.events")).fetchone()
    assert row is not None
    assert open_text(PERSON_KEY, row[0], row[1]) == "I flew."


async def test_a_letter_that_was_sealed_as_a_whole_is_read_again(log: Connection, learned: None) -> None:
    text = json.dumps(a_dream(note="I flew."))
    await set_aside(log, {"sealed": seal_text(PERSON_KEY, USER, text).hex()}, "undecodable")

    assert (await replayed(log)).outcomes == Counter(accepted=1)


async def test_an_imported_letter_is_known_as_its_source_knew_it(log: Connection, learned: None) -> None:
    batch_id = uuid4()
    note = {"sealed": seal_text(PERSON_KEY, batch_id, "I flew.").hex()}
    await set_aside_by_import(log, a_dream(recorded_at=NOW.isoformat()) | {"note": note}, batch_id)

    assert (await replayed(log)).outcomes == Counter(accepted=1)
    assert await value(log, "select known_at from raw.events") == NOW


async def test_a_row_of_a_file_needs_its_file_and_a_conflict_stays(log: Connection) -> None:
    await set_aside_by_import(log, {"who": "ana", "mood": "9"}, uuid4(), code="row_expectation")
    await set_aside_by_import(log, {"event_id": str(uuid4())}, uuid4(), code="conflict")
    await set_aside(log, "half a li", "too_large", user_id=None)

    report = await replayed(log)

    assert report.left == {"needs its file": 1, "conflict stays": 1, "nobody's": 1}


async def test_nothing_is_replayed_for_an_erased_person(log: Connection, learned: None) -> None:
    await set_aside(log, a_dream())
    await log.execute("update app.users set deleted_at = now()")

    assert (await replayed(log)).left == Counter({"nobody's": 1})


async def test_a_message_without_effect_is_sent_again_and_one_without_sense_is_not(log: Connection) -> None:
    message = {"user_id": str(USER), "local_date": "2026-03-30", "event_id": None, "outbox_id": 7}
    await set_aside(log, message, "effect_failed", source="streams")
    await set_aside(log, "{}", "undecodable", source="streams", user_id=None)

    report = await replayed(log)

    assert report.outcomes["announced"] == 1
    assert report.rejected["undecodable"] == 1
    body = await value(log, "select body from raw.outbox")
    assert body == {"user_id": str(USER), "local_date": "2026-03-30", "event_id": None}


async def test_a_replay_that_was_killed_is_taken_up_again(
    committed_database: str, learned: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replays, "AT_ONCE", 2)
    async with await psycopg.AsyncConnection.connect(committed_database, autocommit=True) as connection:
        await connection.execute(
            "insert into app.users (user_id, username, tz, data_key_ciphertext) values (%s, 'ana', 'UTC', %s)",
            (USER, WRAPPED),
        )
        for _ in range(5):
            await set_aside(connection, a_dream())

        def killed(done: int) -> None:
            assert done == 2
            raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            await replay_letters(connection, Wanted(), SYSTEM_KEY, killed)
        report = await replay_letters(connection, Wanted(), SYSTEM_KEY)

        assert report.outcomes == Counter(accepted=3)
        assert await value(connection, "select count(*) from raw.events") == 5


async def test_two_replays_at_once_share_the_letters(
    committed_database: str, learned: None, role_url: Any
) -> None:
    url = role_url(PIPELINES, committed_database)
    async with (
        await psycopg.AsyncConnection.connect(committed_database, autocommit=True) as owner,
        await psycopg.AsyncConnection.connect(url, autocommit=True) as other,
    ):
        await owner.execute(
            "insert into app.users (user_id, username, tz, data_key_ciphertext) values (%s, 'ana', 'UTC', %s)",
            (USER, WRAPPED),
        )
        await set_aside(owner, a_dream())
        async with owner.transaction():
            await owner.execute("select from raw.rejected_events for update")
            assert (await replay_letters(other, Wanted(), SYSTEM_KEY)).settled == 0
        assert (await replay_letters(other, Wanted(), SYSTEM_KEY)).settled == 1


# --- looking at them ----------------------------------------------------------------------------------------


async def test_letters_are_counted_by_source_and_reason(log: Connection) -> None:
    await set_aside(log, a_dream())
    await set_aside(log, a_dream())
    await set_aside(log, "{", "undecodable", source="streams", user_id=None)

    counts = await count_letters(log, Wanted())

    assert [(c.source, c.reason_code, c.letters) for c in counts] == [
        ("api", "unknown_type", 2),
        ("streams", "undecodable", 1),
    ]
    assert isinstance(counts[0], LetterCount)


async def test_letters_are_listed_newest_first_page_by_page(log: Connection) -> None:
    for _ in range(3):
        await set_aside(log, a_dream())

    first = await list_letters(log, Wanted(), limit=2)
    last = first[-1]
    second = await list_letters(log, Wanted(), limit=2, after=(last.received_at, last.rejection_id))

    ids = [letter.rejection_id for letter in [*first, *second]]
    assert ids == sorted(ids, reverse=True)
    assert len(ids) == 3


async def test_a_discarded_letter_is_kept_and_waits_no_longer(log: Connection, learned: None) -> None:
    await set_aside(log, a_dream())
    [letter] = await list_letters(log, Wanted(), limit=1)

    await discard_letter(log, letter)

    assert await list_letters(log, Wanted(), limit=1) == []
    kept = await read_letter(log, letter.rejection_id, USER)
    assert kept is not None
    assert not kept.is_waiting
    assert (await replayed(log)).settled == 0


async def test_a_letter_is_shown_to_its_own_person_only(log: Connection) -> None:
    await set_aside(log, a_dream())
    [letter] = await list_letters(log, Wanted(), limit=1)

    assert await read_letter(log, letter.rejection_id, uuid4()) is None
    assert opened_body(letter, None) == json.loads(letter.body)


async def test_a_replay_in_the_callers_transaction_says_what_became_of_each(
    log: Connection, learned: None
) -> None:
    await set_aside(log, a_dream())
    [letter] = await list_letters(log, Wanted(), limit=1)
    report = ReplayReport()

    [(_, verdict)] = await replay(log, [letter], SYSTEM_KEY, report)

    assert not isinstance(verdict, str | Rejected)
    assert report.settled == 1
