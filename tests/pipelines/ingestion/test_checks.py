"""The checks on the log find what is wrong with it, and look at what is new and one month, not at all of it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import dagster as dg
import psycopg
import pytest

from aurora import clock
from aurora.database.partitions import ensure_partitions
from pipelines.ingestion import checks
from pipelines.ingestion.assets import INGESTION_ASSETS
from pipelines.resources import PostgresResource, SettingsResource

ANA = UUID(int=1)
NOW = clock.now()
LONG_AGO = NOW - timedelta(days=400)
THREE_DAYS_LATER = LONG_AGO + timedelta(days=3)


@pytest.fixture
def log(committed_database: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[psycopg.Connection[Any]]:
    """A log whose last good build was an hour ago, with a month of each event in it. No month has its turn."""
    monkeypatch.setattr(checks, "month_in_turn", lambda _months, _today: date(1990, 1, 1))
    with psycopg.connect(committed_database, autocommit=True) as connection:
        ensure_partitions(connection, [LONG_AGO, THREE_DAYS_LATER, NOW])
        connection.execute(
            "insert into raw.builds (build_id, snapshot, is_full, state, started_at)"
            " values (gen_random_uuid(), pg_current_snapshot(), true, 'good', %s)",
            (NOW - timedelta(hours=1),),
        )
        yield connection


def write(
    log: psycopg.Connection[Any],
    *,
    started_at: datetime = LONG_AGO,
    received_at: datetime = NOW,
    event_id: UUID | None = None,
    key: bool = True,
    touches: bool = False,
) -> UUID:
    """Write a row of the log as no writer of the project would."""
    event_id = event_id or uuid4()
    log.execute(
        "insert into raw.events (user_id, event_id, version, type, schema_version, started_at, tz, local_date,"
        " local_started_at, day_started_at, precision, source_name, modality, payload, is_deleted, body_hash,"
        " received_at, known_at, available_at) values (%(user)s, %(event)s, 1, 'mood.rated', 1, %(start)s, 'UTC',"
        " %(start)s::date, '2026-01-01', %(start)s, 'instant', 'app', 'self_reported', '{}', false, '',"
        " %(received)s, %(received)s, %(received)s)",
        {"user": ANA, "event": event_id, "start": started_at, "received": received_at},
    )
    if key:
        log.execute(
            "insert into raw.event_keys (user_id, event_id, version, body_hash, started_at, local_date)"
            " values (%s, %s, 1, '', %s, %s)",
            (ANA, event_id, started_at, started_at.date()),
        )
    if touches:
        log.execute(
            "insert into raw.touched_days (user_id, local_date) values (%s, %s)", (ANA, started_at.date())
        )
    return event_id


def failed(url: str) -> list[str]:
    """The checks on the log as a whole that are red."""
    settings = SettingsResource(overrides={"postgres_url": url, "data_key": "ab" * 32})
    asked = [
        checks.event_versions_are_unique,
        checks.every_event_has_its_key,
        checks.no_event_lies_in_the_future,
    ]
    result = dg.materialize(
        [*INGESTION_ASSETS, *asked],
        selection=dg.AssetSelection.checks(*asked),
        resources={"settings": settings, "postgres": PostgresResource(settings=settings)},
        raise_on_error=False,
    )
    return [one.check_name for one in result.get_asset_check_evaluations() if not one.passed]


def test_log_as_it_is_written_is_green(log: psycopg.Connection[Any], committed_database: str) -> None:
    write(log)
    write(log, received_at=LONG_AGO, touches=True)

    assert failed(committed_database) == []


def test_version_that_is_there_twice_is_found_in_whichever_partition(
    log: psycopg.Connection[Any], committed_database: str
) -> None:
    first = write(log, received_at=LONG_AGO)
    write(log, event_id=first, started_at=NOW, key=False)

    assert failed(committed_database) == ["event_versions_are_unique"]


def test_event_without_key_is_found_by_when_it_came(
    log: psycopg.Connection[Any], committed_database: str
) -> None:
    write(log, key=False)

    assert failed(committed_database) == ["every_event_has_its_key"]


def test_event_of_a_touched_day_is_found_whenever_it_says_that_it_came(
    log: psycopg.Connection[Any], committed_database: str
) -> None:
    write(log, started_at=THREE_DAYS_LATER, received_at=LONG_AGO, touches=True)

    assert failed(committed_database) == ["no_event_lies_in_the_future"]


def test_what_a_good_build_has_seen_is_looked_at_when_its_month_has_its_turn(
    log: psycopg.Connection[Any], committed_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(log, started_at=THREE_DAYS_LATER, received_at=LONG_AGO)

    assert failed(committed_database) == []

    month = THREE_DAYS_LATER.date().replace(day=1)
    monkeypatch.setattr(checks, "month_in_turn", lambda _months, _today: month)

    assert failed(committed_database) == ["no_event_lies_in_the_future"]


def test_every_month_has_its_turn() -> None:
    months = [date(2026, month, 1) for month in (1, 2, 3, 5, 8)]
    days = [date(2026, 2, 27) + timedelta(days=day) for day in range(len(months))]

    assert sorted(checks.month_in_turn(months, day) for day in days) == months
    assert checks.month_in_turn([], date(2026, 2, 27)) == date(2026, 2, 1)


def test_beyond_that_month_no_partition_is_read_through(log: psycopg.Connection[Any]) -> None:
    log.execute("set enable_seqscan = off")
    log.execute("set enable_indexscan = off")
    values = {
        "since": NOW,
        "month": datetime(LONG_AGO.year, LONG_AGO.month, 1, tzinfo=UTC),
        "next_month": datetime(LONG_AGO.year, LONG_AGO.month, 2, tzinfo=UTC),
        "skew": timedelta(0),
    }
    for query in (checks._REPEATED_VERSIONS, checks._WITHOUT_KEY, checks._FUTURE):  # their plans
        [(found,)] = log.execute(f"explain (format json) {query}", values).fetchall()
        through = [
            node
            for node in nodes(found[0]["Plan"])
            if node.get("Relation Name", "").startswith("event")
            and not {"Index Cond", "Recheck Cond"} & node.keys()
        ]

        assert {node["Relation Name"] for node in through} <= {f"events_{LONG_AGO:%Y_%m}"}


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for below in plan.get("Plans", ()):
        yield from nodes(below)
