"""The weekly search over a real warehouse: what it stores, whom it means, and that a re-run replaces it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID, uuid4

import dagster as dg
import psycopg
import pytest
from typer.testing import CliRunner

from aurora.cli import build
from aurora.database.connections import connect
from pipelines.resources import default_resources
from pipelines.transformation.pattern_assets import (
    PATTERNS,
    SEARCHES,
    find_patterns_on_tuesdays_at_0400_utc,
    search_for_patterns,
)
from pipelines.transformation.pattern_search import NobodyMeantError, WarehouseNotBuiltError, search_people
from tests.pipelines.transformation.conftest import Warehouse
from tests.pipelines.transformation.lives import Received, store

SUNDAY = date(2026, 5, 31)
DAYS = 90
# What the search reads, and what shows it: features and scores have no part in it, tests of dbt either.
NEEDED = (
    *("--select", "+int_tiles", "+int_ratings_and_nights", "+patterns", "+pattern_searches"),
    *("--exclude", "test_type:generic"),
)


def a_life(user_id: UUID, days: int, seed: int) -> Iterator[Received]:
    """Energy follows the night before; a nap, a walk and a cup of coffee follow nothing."""
    random = Random(seed)  # noqa: S311  # a life is no secret
    for ago in range(days, 0, -1):
        morning = datetime.combine(SUNDAY - timedelta(days=ago - 1), datetime.min.time(), UTC).replace(hour=7)
        asleep = random.gauss(430, 50)
        energy = min(max(5 + (asleep - 430) / 40 + random.gauss(0, 0.6), 0), 10)
        yield _event(user_id, "sleep.recorded", morning, {"asleep_minutes": round(asleep, 1)}, minutes=-480)
        yield _event(user_id, "energy.rated", morning + timedelta(hours=5), {"energy": round(energy, 1)})
        yield _event(user_id, "steps.counted", morning, {"steps": random.randint(2000, 12000)}, minutes=60)
        yield _event(user_id, "caffeine.consumed", morning, {"caffeine_mg": random.randint(40, 200)})


def _noon(ago: int) -> datetime:
    return datetime.combine(SUNDAY - timedelta(days=ago - 1), datetime.min.time(), UTC).replace(hour=12)


def _event(
    user_id: UUID,
    kind: str,
    at: datetime,
    payload: dict[str, Any],
    *,
    minutes: int = 0,
    recorded_at: datetime | None = None,
) -> Received:
    start, end = sorted((at, at + timedelta(minutes=minutes)))
    body: dict[str, Any] = {
        "event_id": str(uuid4()),
        "type": kind,
        "version": 1,
        "started_at": start.isoformat(),
        "tz": "UTC",
        "source": {"name": "test"},
        "payload": payload,
    }
    if minutes:
        body["ended_at"] = end.isoformat()
    if recorded_at is not None:
        body["recorded_at"] = recorded_at.isoformat()
    return Received(user_id, body)


@pytest.fixture
def people(warehouse: Warehouse) -> tuple[UUID, UUID]:
    """One who has told of ninety days, and one of nine; the warehouse built."""
    long, short = UUID(int=1), UUID(int=2)
    store(warehouse.owner_url, [*a_life(long, DAYS, 1), *a_life(short, 9, 2)])
    warehouse.build(*NEEDED, full=True)
    return long, short


def stored(warehouse: Warehouse) -> dict[str, list[tuple[Any, ...]]]:
    return {
        "searches": warehouse.rows(
            "select user_id, week_ended_date, first_date, told_days, patterns, tested, omitted"
            " from insights.pattern_searches order by user_id, week_ended_date"
        ),
        "patterns": warehouse.rows(
            "select * from insights.patterns order by user_id, week_ended_date, place"
        ),
    }


def test_the_search_finds_what_there_is_says_what_was_too_little_and_replaces_itself(
    warehouse: Warehouse, people: tuple[UUID, UUID], monkeypatch: pytest.MonkeyPatch
) -> None:
    long, short = people
    heard: list[tuple[int, int]] = []
    with connect(warehouse.url, autocommit=True) as connection:
        report = search_people(connection, SUNDAY, on_person=lambda *seen: heard.append(seen))

    best = warehouse.rows(
        "select subject, outcome, timing, lag_days, direction, stars, sentence from marts.patterns"
        " where user_id = %s and is_newest and place = 1",
        long,
    )
    assert [row[:5] for row in best] == [("main_sleep_minutes", "energy", "before", 0, "higher")]
    assert best[0][6].startswith("After nights with more sleep (above 4")
    assert (report.people, report.without_tests, heard[-1]) == (2, 1, (2, 2))
    [(told_days, tested, omitted)] = warehouse.rows(
        "select told_days, correlations_tested, omitted from marts.pattern_searches where user_id = %s", short
    )
    assert (told_days, tested) == (9, 0)
    assert {
        "kind": "lagged_correlation",
        "outcome": "energy",
        "subject": "steps",
        "reason": "few_days",
        "days": 9,
    } in omitted

    # A re-run of the week replaces it, another week stands beside it, one person alone leaves the others.
    before = stored(warehouse)
    with connect(warehouse.url, autocommit=True) as connection:
        search_people(connection, SUNDAY)
        assert stored(warehouse) == before
        search_people(connection, SUNDAY - timedelta(days=7), user=str(long))
    weeks = warehouse.rows(
        "select user_id, week_ended_date, is_newest from marts.pattern_searches order by 1, 2"
    )
    assert weeks == [(long, SUNDAY - timedelta(days=7), False), (long, SUNDAY, True), (short, SUNDAY, True)]

    # On the command line, as if it were the Tuesday after.
    monkeypatch.setenv("AURORA_POSTGRES_URL", warehouse.url)
    told = CliRunner().invoke(build(), ["patterns", "--user", str(long), "--as-of", "2026-06-02T04:00:00"])
    assert told.exit_code == 0, told.output
    assert "Week to 2026-05-31: 1 people searched, 1 with patterns" in told.output
    assert "After nights with more sleep" in told.output

    # Nothing was known before it had happened: a replay of an earlier instant has nothing to search.
    with connect(warehouse.url, autocommit=True) as connection:
        replayed = search_people(connection, SUNDAY, known_by=datetime(2020, 1, 1, tzinfo=UTC))
    assert (replayed.people, replayed.silent) == (0, 2)
    assert warehouse.rows("select 1 from insights.patterns where week_ended_date = %s", SUNDAY) == []


def test_a_replay_finds_what_was_found_then_whatever_became_known_afterwards(warehouse: Warehouse) -> None:
    person, then = UUID(int=1), datetime.combine(SUNDAY, datetime.min.time(), UTC).replace(hour=22)
    told = [
        event.changed(1, recorded_at=event.body["started_at"])
        for event in a_life(person, DAYS, 1)
        if event.body["type"] != "steps.counted"
    ]
    # Of some days nothing was known; of the others it is known that there was no meal.
    told = [event for event in told if event.accepted().local_date.day % 4]
    told += [
        _event(person, "meal.eaten", _noon(ago), {"energy_kcal": 500}, recorded_at=_noon(ago))
        for ago in range(DAYS, 0, -3)
    ]
    store(warehouse.owner_url, told)
    warehouse.build(*NEEDED, full=True)
    with connect(warehouse.url, autocommit=True) as connection:
        search_people(connection, SUNDAY)
    found = stored(warehouse)
    assert found["searches"][0][3] < DAYS

    late = then + timedelta(hours=1)
    nights = [event for event in told if event.body["type"] == "sleep.recorded"]
    ratings = [event for event in told if event.body["type"] == "energy.rated"]
    told_late: dict[str, Any] = {"recorded_at": late.isoformat()}
    noons = [_noon(ago) for ago in range(DAYS, 0, -1)]
    evening, later = noons[-1].replace(hour=20), noons[-1].replace(hour=21)
    store(
        warehouse.owner_url,
        [
            *(_event(person, "steps.counted", noon, {"steps": 1}, recorded_at=late) for noon in noons),
            *(event.changed(2, **told_late, payload={"energy": 1}) for event in ratings[::5]),
            *(event.changed(2, **told_late, payload={}, is_deleted=True) for event in nights[::3]),
            nights[-1].changed(2, **told_late, started_at=evening.isoformat(), ended_at=later.isoformat()),
        ],
    )
    warehouse.build(*NEEDED)

    with connect(warehouse.url, autocommit=True) as connection:
        search_people(connection, SUNDAY, known_by=then)
        replayed = stored(warehouse)
        search_people(connection, SUNDAY)
    assert replayed == found
    assert found["patterns"]
    assert stored(warehouse) != found


def test_a_rating_before_bedtime_does_not_follow_the_night(warehouse: Warehouse) -> None:
    person = UUID(int=1)
    # Who is still up at half past midnight says what becomes of the night; in the morning they say nothing new.
    random = Random(3)  # noqa: S311  # a life is no secret
    life: list[Received] = []
    for ago in range(DAYS, 0, -1):
        asleep, morning = random.gauss(430, 50), _noon(ago).replace(hour=8)
        still_up = morning.replace(hour=0, minute=30)
        life += [
            _event(person, "energy.rated", still_up, {"energy": round((asleep - 180) / 50, 1)}),
            _event(person, "sleep.recorded", morning, {"asleep_minutes": round(asleep, 1)}, minutes=-435),
            _event(person, "energy.rated", _noon(ago), {"energy": random.randint(8, 12) / 2}),
        ]
    store(warehouse.owner_url, life)
    warehouse.build(*NEEDED, full=True)

    with connect(warehouse.url, autocommit=True) as connection:
        search_people(connection, SUNDAY)

    assert (
        warehouse.rows("select sentence from insights.patterns where outcome = 'energy' and lag_days = 0")
        == []
    )
    [(omitted,)] = warehouse.rows("select omitted from insights.pattern_searches")
    assert not [one for one in omitted if one["subject"] == "main_sleep_minutes"], "too little to test"


def test_after_a_failure_half_way_the_asset_completes_its_week_and_who_leaves_takes_their_patterns_along(
    warehouse: Warehouse, people: tuple[UUID, UUID]
) -> None:
    # Not at the top: whoever collects tests would wait for dbt to parse the project.
    from pipelines.definitions import defs
    from pipelines.transformation.assets import warehouse_after_patterns

    long, _ = people

    def fail(_done: int, _total: int) -> None:
        raise ConnectionAbortedError

    with connect(warehouse.url, autocommit=True) as connection, pytest.raises(ConnectionAbortedError):
        search_people(connection, SUNDAY, on_person=fail)
    half = stored(warehouse)
    monday = (SUNDAY - timedelta(days=6)).isoformat()
    resources = default_resources({"postgres_url": warehouse.url, "data_dir": str(warehouse.data_dir)})
    result = dg.materialize([search_for_patterns], partition_key=monday, resources=resources)

    assert result.success
    assert len(half["searches"]) == 1
    assert half["searches"] == stored(warehouse)["searches"][:1]
    assert half["patterns"] == stored(warehouse)["patterns"]
    metadata = {
        event.asset_key: event.step_materialization_data.materialization.metadata
        for event in result.get_asset_materialization_events()
    }
    assert metadata[SEARCHES]["dagster/row_count"].value == 2
    assert metadata[PATTERNS]["dagster/row_count"].value == len(stored(warehouse)["patterns"]) > 0
    checks = defs.resolve_asset_graph().get_check_keys_for_assets({PATTERNS, SEARCHES})
    assert {check.name for check in checks} >= {
        "every_pattern_is_within_its_limits",
        "every_search_has_the_patterns_it_counts",
    }

    # The daily job makes the views over it, with their tests.
    views = dg.materialize([warehouse_after_patterns], resources=resources)
    assert {
        event.asset_key.path[1] for event in views.get_asset_materialization_events() if event.asset_key
    } == {
        "stg_pattern_searches",
        "stg_patterns",
        "pattern_searches",
        "patterns",
    }
    assert all(evaluation.passed for evaluation in views.get_asset_check_evaluations())

    with psycopg.connect(warehouse.owner_url) as connection:
        connection.execute("delete from app.users where user_id = %s", (long,))
    assert all(long not in row for rows in stored(warehouse).values() for row in rows)


def test_without_a_warehouse_or_a_person_it_says_so(warehouse: Warehouse) -> None:
    store(warehouse.owner_url, a_life(UUID(int=1), 3, 1))

    with connect(warehouse.url, autocommit=True) as connection:
        with pytest.raises(WarehouseNotBuiltError, match="aurora build"):
            search_people(connection, SUNDAY)
        with pytest.raises(NobodyMeantError, match="nobody"):
            search_people(connection, SUNDAY, user="nobody-at-all")


def test_the_schedule_asks_for_the_week_that_ended_on_the_sunday_before() -> None:
    tuesday = datetime(2026, 11, 24, 4, tzinfo=UTC)
    context = dg.build_schedule_context(scheduled_execution_time=tuesday)

    request = find_patterns_on_tuesdays_at_0400_utc(context)

    assert isinstance(request, dg.RunRequest)
    assert request.partition_key == "2026-11-16"
    assert date.fromisoformat(request.partition_key) + timedelta(days=6) == date(2026, 11, 22)
