"""The check on dead letters goes red when a reason grows, and not when there is just more of everything."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import dagster as dg
import psycopg
import pytest

from aurora import clock
from pipelines.ingestion.rejections import Trend, no_reason_for_rejection_grows, read_trends
from pipelines.resources import PostgresResource, SettingsResource

TODAY, BEFORE = timedelta(hours=3), timedelta(days=3)


@pytest.fixture
def log(committed_database: str) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(committed_database, autocommit=True) as connection:
        yield connection


def set_aside(log: psycopg.Connection[Any], count: int, ago: timedelta, **columns: str) -> None:
    values = {"source": "api", "code": "invalid_payload", "at": clock.now() - ago, "count": count} | columns
    log.execute(
        "insert into raw.rejected_events (source, reason_code, reason, body, received_at)"
        " select %(source)s, %(code)s, 'because', '{}', %(at)s from generate_series(1, %(count)s)",
        values,
    )


def live_events(log: psycopg.Connection[Any], count: int, ago: timedelta) -> None:
    at = clock.now() - ago
    log.execute("select raw.ensure_event_partition(%s)", (at.date(),))
    log.execute(
        "insert into raw.events select gen_random_uuid(), gen_random_uuid(), 1, 'energy.rated', 1, %(at)s, null,"
        " 'UTC', '2026-01-01', '2026-01-01', null, %(at)s, 'instant', 'app', null, null, 'sensed', null, '{}',"
        " null, false, '', %(at)s, %(at)s, %(at)s, null from generate_series(1, %(count)s)",
        {"at": at, "count": count},
    )


def checked(url: str) -> dg.AssetCheckResult:
    postgres = PostgresResource(settings=SettingsResource(overrides={"postgres_url": url}))
    result = no_reason_for_rejection_grows(postgres)
    assert isinstance(result, dg.AssetCheckResult)
    return result


def test_without_dead_letters_nothing_grows(committed_database: str) -> None:
    assert checked(committed_database).passed


def test_new_reason_turns_it_red_and_is_named(committed_database: str, log: psycopg.Connection[Any]) -> None:
    live_events(log, 100, TODAY)
    set_aside(log, 12, TODAY)

    result = checked(committed_database)

    assert not result.passed
    assert result.severity == dg.AssetCheckSeverity.ERROR
    assert result.metadata["growing"].value == "api: invalid_payload"


def test_a_handful_wakes_nobody(committed_database: str, log: psycopg.Connection[Any]) -> None:
    set_aside(log, 9, TODAY)

    assert checked(committed_database).passed


def test_share_that_stays_is_no_growth_however_many_they_are(
    committed_database: str, log: psycopg.Connection[Any]
) -> None:
    live_events(log, 100, BEFORE)
    set_aside(log, 10, BEFORE)
    live_events(log, 1000, TODAY)
    set_aside(log, 150, TODAY)

    assert checked(committed_database).passed


def test_reason_of_an_import_is_measured_by_its_files(log: psycopg.Connection[Any]) -> None:
    for ago, rejected in ((BEFORE, 1), (TODAY, 30)):
        row = log.execute(
            "insert into raw.import_batches (batch_id, file_name, file_sha256, mapping, cohort, arrival_date,"
            " state, accepted, rejected, started_at, finished_at) values (gen_random_uuid(), 'f',"
            " gen_random_uuid()::text, 'diary', 'real', '2026-01-01', 'done', 970, %s, %s, %s)"
            " returning batch_id",
            (rejected, clock.now() - ago, clock.now() - ago),
        ).fetchone()
        assert row is not None
        log.execute(
            "insert into raw.rejected_events (source, reason_code, reason, body, batch_id, row_number,"
            " received_at) select 'my diary', 'row_expectation', 'because', '{}', %s, number, %s"
            " from generate_series(1, %s) as number",
            (row[0], clock.now() - ago, rejected),
        )

    [trend] = read_trends(log, clock.now())

    assert trend == Trend("diary", "row_expectation", 30, 1000, 1, 971)
    assert trend.grows


@pytest.mark.parametrize(
    ("trend", "grows"),
    [
        (Trend("api", "x", 10, 1000, 0, 0), True),
        (Trend("api", "x", 10, 10_000, 0, 0), False),  # a tenth of a percent
        (Trend("api", "x", 20, 1000, 70, 7000), False),  # twice, not more
        (Trend("api", "x", 21, 1000, 70, 7000), True),
        (Trend("api", "x", 10, 0, 0, 0), True),  # nothing but rejections
    ],
)
def test_thresholds(trend: Trend, grows: bool) -> None:
    assert trend.grows is grows
