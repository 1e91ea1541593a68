"""The check on daily volumes: red at an outage and at a flood, and quiet about what is no anomaly."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

import dagster as dg
import psycopg
import pytest

from aurora import clock
from pipelines.ingestion.volumes import (
    Verdict,
    Volume,
    daily_volume_per_source_is_as_usual,
    judge_volumes,
)
from pipelines.quality import SEVERITY
from pipelines.resources import PostgresResource, SettingsResource

LAST = date(2026, 3, 29)


def of_the_source(counts: Sequence[int], *, people: int = 30, name: str = "watch") -> list[Volume]:
    """So many events a day, ending on LAST; a day of none leaves no trace in the log."""
    first = LAST - timedelta(days=len(counts) - 1)
    return [
        Volume(name, first + timedelta(days=place), count, people)
        for place, count in enumerate(counts)
        if count
    ]


def verdict_of(counts: Sequence[int], **options: Any) -> Verdict:
    (verdict,) = judge_volumes(of_the_source(counts, **options), LAST)
    return verdict


def weeks(*of_one_week: int, times: int = 8) -> list[int]:
    return list(of_one_week) * times


def test_day_like_its_weekdays_before_is_usual() -> None:
    assert verdict_of([*weeks(1000, 1000, 1000, 1000, 1000, 400, 400), 1000]).state == "usual"


def test_weekend_is_compared_with_weekends() -> None:
    before = weeks(1000, 1000, 1000, 1000, 1000, 300, 300)

    assert verdict_of([*before, *before[:6], 300]).state == "usual"
    assert verdict_of([*before, *before[:6], 1000]).state == "too much"


@pytest.mark.parametrize(("today", "state"), [(0, "too little"), (300, "too little"), (4000, "too much")])
def test_outage_and_flood_are_odd_and_the_sentence_says_by_how_much(today: int, state: str) -> None:
    verdict = verdict_of([*weeks(1000, 1010, 990, 1000, 1005, 995, 1000), today])

    assert verdict.state == state
    assert verdict.sentence == (
        f"watch: {today:,} events on Sunday, usually 1,000, {today / 1000:.2g} times that"
    )


def test_one_odd_week_before_moves_nothing() -> None:
    counts = [1000, 1000, 50_000, 1000, 1000, 1000, 0, 1000]
    before = [count for week in counts for count in [week] * 7]

    assert verdict_of([*before, 1000]).state == "usual"
    assert verdict_of([*before, 50_000]).state == "too much"


def test_nearly_nothing_is_too_little_however_much_the_source_scatters() -> None:
    counts = [200, 2000, 900, 1500, 300, 1800, 1000, 1200]
    before = [count for week in counts for count in [week] * 7]

    assert verdict_of([*before, 20]).state == "too little"
    assert verdict_of([*before, 250]).state == "usual"


def test_source_younger_than_four_weeks_is_not_judged() -> None:
    assert not verdict_of([*weeks(1000, 1000, 1000, 1000, 1000, 1000, 1000, times=3), 0]).is_odd


def test_source_that_falls_silent_is_told_of_for_three_days_and_has_then_ended() -> None:
    before = weeks(1000, 1000, 1000, 1000, 1000, 1000, 1000)
    states = [verdict_of([*before, *[0] * days]).state for days in (1, 2, 3, 4, 30)]

    assert states[:3] == ["too little"] * 3
    assert states[3] == "ended: silent for 4 days"
    assert not verdict_of([*before, *[0] * 30]).is_odd


def test_few_people_may_have_stopped_of_their_own_accord() -> None:
    assert not verdict_of([*weeks(1000, 1000, 1000, 1000, 1000, 1000, 1000), 0], people=2).is_odd


def test_import_once_a_month_is_no_regular_source() -> None:
    assert not verdict_of([*[5000, *[0] * 27] * 2, 9000]).is_odd
    assert not verdict_of([*[5000, *[0] * 27] * 2, 0]).is_odd


def test_nobody_is_judged_by_a_handful_of_events() -> None:
    assert not verdict_of([*weeks(3, 3, 3, 3, 3, 3, 3), 60]).is_odd


# --- on Postgres ---------------------------------------------------------------------------------------------


def receive(
    connection: psycopg.Connection[Any], day: date, events: int, *, source: str = "watch", days_old: int = 0
) -> None:
    """So many events of ten people arrive at noon of a day."""
    at = datetime(day.year, day.month, day.day, 12, tzinfo=UTC)
    started_at = at - timedelta(days=days_old)
    connection.execute("select raw.ensure_event_partition(%s)", (started_at.date(),))
    connection.execute(
        "insert into raw.events select lpad((number %% 10)::text, 32, '0')::uuid, gen_random_uuid(), 1,"
        " 'energy.rated', 1, %(started_at)s, null, 'UTC', '2026-01-01', '2026-01-01', null, %(at)s, 'instant',"
        " %(source)s, null, null, 'sensed', null, '{}', null, false, '', %(at)s, %(at)s, %(at)s, null"
        " from generate_series(1, %(events)s) as number",
        {"at": at, "started_at": started_at, "events": events, "source": source},
    )


def checked(url: str) -> dg.AssetCheckResult:
    postgres = PostgresResource(settings=SettingsResource(overrides={"postgres_url": url}))
    result = daily_volume_per_source_is_as_usual(postgres)
    assert isinstance(result, dg.AssetCheckResult)
    return result


def test_check_is_red_at_an_outage_of_one_source_among_two_and_green_without(committed_database: str) -> None:
    yesterday = clock.now().date() - timedelta(days=1)
    with psycopg.connect(committed_database, autocommit=True) as connection:
        for week in range(1, 7):
            receive(connection, yesterday - timedelta(weeks=week), 200)
            receive(connection, yesterday - timedelta(weeks=week), 100, source="diary")
        receive(connection, yesterday, 20)
        receive(connection, yesterday, 105, source="diary")
        red = checked(committed_database)
        receive(connection, yesterday, 180)

    assert not red.passed
    (spec,) = daily_volume_per_source_is_as_usual.check_specs
    assert red.severity.value == spec.metadata[SEVERITY] == "WARN"
    assert red.description == f"watch: 20 events on {yesterday:%A}, usually 200, 0.1 times that"
    assert "| diary | 105 |" in str(red.metadata["sources"].value)
    assert checked(committed_database).passed


def test_history_that_somebody_imports_is_no_flood(committed_database: str) -> None:
    yesterday = clock.now().date() - timedelta(days=1)
    with psycopg.connect(committed_database, autocommit=True) as connection:
        for week in range(7):
            receive(connection, yesterday - timedelta(weeks=week), 200)
        receive(connection, yesterday, 20_000, days_old=40)

    assert checked(committed_database).passed
