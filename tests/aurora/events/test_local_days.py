"""When the zone data change, the log follows by new versions, and live state and warehouse hear of it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any, LiteralString
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import psycopg
import pytest

from aurora import clock
from aurora.database.locks import session_lock
from aurora.database.zone_data import computed_with
from aurora.events import acceptance, local_days
from aurora.events.local_days import RecomputationRunningError, recompute_local_days
from tests.aurora.events.received import NOW, USER, a_received_mood, a_received_night, accepted
from tests.aurora.events.test_storage import import_events

LATE = "2026-03-29T23:30:00+02:00"
"""Half an hour before midnight in Oslo."""


@pytest.fixture
def log(committed_database: str) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(committed_database, autocommit=True) as connection:
        yield connection


@pytest.fixture
def new_rules(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Newer data, by which Oslo's clocks run one hour ahead of what they did."""
    monkeypatch.setattr(clock, "data_version", lambda: "2099a")
    monkeypatch.setattr(
        clock, "zone", lambda name: ZoneInfo("Europe/Athens" if name == "Europe/Oslo" else name)
    )
    yield
    # It remembers the days of an event that was accepted meanwhile.
    acceptance._borders.cache_clear()


def put(url: str, *received: dict[str, Any], user_id: UUID = USER) -> None:
    """Into the log, with the data as they were."""
    with pytest.MonkeyPatch.context() as before:
        before.setattr(clock, "zone", ZoneInfo)
        import_events(url, [accepted(body, user_id=user_id) for body in received])
    with psycopg.connect(url) as connection:
        connection.execute("truncate raw.touched_days, raw.outbox")


def found_in(log: psycopg.Connection[Any], query: LiteralString) -> list[tuple[Any, ...]]:
    return log.execute(query).fetchall()


def test_new_log_agrees_with_the_data_of_this_machine(log: psycopg.Connection[Any]) -> None:
    assert computed_with(log) == clock.data_version()
    assert recompute_local_days(log).was_current


def test_event_whose_day_is_another_now_gets_a_new_version_and_both_days_are_touched(
    committed_database: str, log: psycopg.Connection[Any], new_rules: None
) -> None:
    put(committed_database, a_received_mood(started_at=LATE, payload={"valence": 0.25}))

    found = recompute_local_days(log)

    assert (found.seen, found.moved, found.shifted) == (1, 1, 0)
    first, second = found_in(
        log,
        "select version, local_date, local_started_at::text, payload ->> 'valence', body_hash"
        " from raw.events order by version",
    )
    assert first[:4] == (1, date(2026, 3, 29), "2026-03-29 23:30:00", "0.25")
    assert second[:4] == (2, date(2026, 3, 30), "2026-03-30 00:30:00", "0.25")
    assert first[4] == second[4]
    both = [(date(2026, 3, 29),), (date(2026, 3, 30),)]
    assert found_in(log, "select local_date from raw.touched_days order by 1") == both
    announced = found_in(log, "select (body ->> 'local_date')::date from raw.outbox order by 1")
    assert announced == []  # Neither day is one that live state reaches today.
    assert computed_with(log) == "2099a"


def test_live_state_hears_of_days_that_it_reaches(
    committed_database: str, log: psycopg.Connection[Any], new_rules: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(committed_database, a_received_mood(started_at=LATE))
    monkeypatch.setattr(clock, "now", lambda: NOW)

    recompute_local_days(log)

    announced = found_in(log, "select body ->> 'local_date' from raw.outbox order by 1")
    assert announced == [("2026-03-29",), ("2026-03-30",)]


def test_what_was_known_before_is_not_rewritten(
    committed_database: str, log: psycopg.Connection[Any], new_rules: None
) -> None:
    put(committed_database, a_received_mood(started_at=LATE, recorded_at="2026-03-29T23:31:00+02:00"))
    query = "select local_date from raw.events_known_at(%s)"

    recompute_local_days(log)

    assert log.execute(query, (NOW,)).fetchall() == [(date(2026, 3, 29),)]
    assert log.execute(query, (clock.now(),)).fetchall() == [(date(2026, 3, 30),)]


def test_clock_time_alone_may_have_changed_and_other_zones_stay(
    committed_database: str, log: psycopg.Connection[Any], new_rules: None
) -> None:
    put(
        committed_database,
        a_received_mood(),
        a_received_mood(started_at=LATE, tz="Europe/Vienna"),
        a_received_mood(started_at=LATE, version=2, is_deleted=True, payload={}),
    )

    found = recompute_local_days(log)

    assert (found.moved, found.shifted) == (0, 1)
    assert found_in(
        log, "select version, local_started_at::text from raw.current_events where tz = 'Europe/Oslo'"
    ) == [(2, "2026-03-30 10:00:00")]


def test_sleep_goes_to_the_new_day_of_waking(
    committed_database: str, log: psycopg.Connection[Any], new_rules: None
) -> None:
    put(committed_database, a_received_night(ended_at=LATE, started_at="2026-03-29T20:00:00+02:00"))

    recompute_local_days(log)

    assert found_in(log, "select local_date from raw.current_events") == [(date(2026, 3, 30),)]


def test_event_of_a_day_stays_on_the_day_that_its_source_said(
    committed_database: str, log: psycopg.Connection[Any], new_rules: None
) -> None:
    put(committed_database, a_received_mood(started_at="2026-03-29T00:00:00+01:00", precision="day"))

    found = recompute_local_days(log)

    assert (found.moved, found.shifted) == (0, 1)
    assert found_in(log, "select local_date, day_started_at from raw.current_events") == [
        (date(2026, 3, 29), datetime(2026, 3, 28, 22, tzinfo=UTC))
    ]


def test_borders_of_days_move_and_a_day_without_any_other_change_is_touched(
    committed_database: str, log: psycopg.Connection[Any], new_rules: None
) -> None:
    put(committed_database, a_received_mood(started_at=LATE))

    recompute_local_days(log)

    assert found_in(
        log, "select local_date, day_started_at, day_ended_at from raw.user_days order by local_date"
    ) == [
        # Its only event has left it. It goes by the zone that it was made in.
        (date(2026, 3, 29), datetime(2026, 3, 28, 22, tzinfo=UTC), datetime(2026, 3, 29, 21, tzinfo=UTC)),
        (date(2026, 3, 30), datetime(2026, 3, 29, 21, tzinfo=UTC), datetime(2026, 3, 30, 21, tzinfo=UTC)),
    ]


def test_note_stays_ciphertext(
    committed_database: str, log: psycopg.Connection[Any], new_rules: None
) -> None:
    put(committed_database, a_received_mood(started_at=LATE))
    sealed = b"\x00\x01\xffsealed"
    log.execute("alter table raw.events disable trigger history_is_append_only")
    log.execute("update raw.events set note_ciphertext = %s", (sealed,))

    recompute_local_days(log)

    assert found_in(log, "select note_ciphertext from raw.events") == [(sealed,), (sealed,)]


def test_repeated_pass_finds_nothing_more(
    committed_database: str, log: psycopg.Connection[Any], new_rules: None
) -> None:
    put(committed_database, a_received_mood(started_at=LATE))
    recompute_local_days(log)

    again = recompute_local_days(log, again=True)

    assert (again.seen, again.moved, again.shifted) == (1, 0, 0)
    assert len(found_in(log, "select from raw.events")) == 2


def test_pass_that_was_killed_goes_on_where_it_was(
    committed_database: str,
    log: psycopg.Connection[Any],
    new_rules: None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    people = sorted(uuid4() for _ in range(5))
    for user_id in people:
        put(committed_database, a_received_mood(started_at=LATE), user_id=user_id)
    monkeypatch.setattr(local_days, "PEOPLE_AT_ONCE", 2)

    def killed(done: int, total: int) -> None:
        assert total == 5
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        recompute_local_days(log, on_people=killed)
    assert computed_with(log) != "2099a"
    seen: list[int] = []
    found = recompute_local_days(log, on_people=lambda done, _: seen.append(done))

    assert seen == [2, 3]
    assert (found.seen, found.moved) == (5, 5)
    assert len(found_in(log, "select from raw.events where version = 2")) == 5


def test_correction_by_the_client_after_a_pass_takes_the_next_version(
    committed_database: str, log: psycopg.Connection[Any], new_rules: None
) -> None:
    event = a_received_mood(started_at=LATE)
    put(committed_database, event)
    recompute_local_days(log)

    with pytest.MonkeyPatch.context() as before:
        before.setattr(clock, "zone", ZoneInfo)
        again = import_events(committed_database, [accepted(event)])
    clash = import_events(committed_database, [accepted(event | {"version": 2, "payload": {"valence": -1}})])
    third = import_events(committed_database, [accepted(event | {"version": 3, "payload": {"valence": -1}})])

    assert again["duplicate"] == 1
    assert clash["conflict"] == 1
    assert third["accepted"] == 1


def test_one_pass_runs_at_a_time(
    committed_database: str, log: psycopg.Connection[Any], new_rules: None
) -> None:
    with (
        psycopg.connect(committed_database, autocommit=True) as other,
        session_lock(other, local_days.LOCK, patience=0),
        pytest.raises(RecomputationRunningError),
    ):
        recompute_local_days(log)


def test_the_role_of_the_pipelines_may_do_it(committed_database: str, role_url: Any, new_rules: None) -> None:
    put(committed_database, a_received_mood(started_at=LATE))

    with psycopg.connect(role_url("aurora_pipelines", committed_database), autocommit=True) as connection:
        assert recompute_local_days(connection).moved == 1
