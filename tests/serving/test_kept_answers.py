"""The API keeps answers: made once, shared by all workers, and void as soon as what they were made from changes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID, uuid4

import httpx
import psycopg
import pytest
from prometheus_client import REGISTRY
from structlog.testing import capture_logs

from aurora.kept_answers import CHANNEL, PATTERNS, SCORES, look_up, place_of, tag_of
from aurora.settings import Settings
from aurora.tasks import end
from serving.app import create_app
from serving.kept_answers import KeptAnswers, Wanted, one_of_few
from serving.kept_changes import KeptChanges
from serving.redis_access import RedisAccess
from tests.serving.conftest import NOWHERE, Account, an_event, log_in, quick, running
from tests.serving.live_server import until
from tests.serving.test_failures import gate_to

SCORE = """
    insert into marts.scores (user_id, local_date, score_name, version, score, score_state, coverage)
    values (%s, current_date, 'sleep', 1, %s, 'SCORED', 1)
"""


def answered(endpoint: str, outcome: str) -> float:
    labels = {"endpoint": endpoint, "outcome": outcome}
    return REGISTRY.get_sample_value("aurora_api_kept_answers_total", labels) or 0


@pytest.fixture
async def workers(settings: Settings) -> AsyncIterator[list[KeptAnswers]]:
    """Those of four workers."""
    accesses = [RedisAccess(settings.redis_url, 1.0) for _ in range(4)]
    yield [KeptAnswers(redis) for redis in accesses]
    for redis in accesses:
        await redis.close()


@pytest.fixture
def wanted() -> Wanted:
    ada = uuid4()
    return Wanted("tests", place_of(f"tests:{ada}", tag_of("tests", ada)), 60)


class Maker:
    """Makes answers, and counts them."""

    def __init__(self, body: bytes = b"{}") -> None:
        self.body = body
        self.made = 0
        self.may_go = asyncio.Event()

    async def __call__(self) -> bytes:
        self.made += 1
        await self.may_go.wait()
        return self.body


async def test_many_who_ask_at_once_have_it_made_once(workers: list[KeptAnswers], wanted: Wanted) -> None:
    make = Maker(b"[1]")
    asking = [asyncio.create_task(workers[number % 4].answer(wanted, make)) for number in range(100)]
    await until(lambda: make.made == 1)
    make.may_go.set()

    assert set(await asyncio.gather(*asking)) == {b"[1]"}
    assert make.made == 1


async def test_a_client_that_goes_away_takes_nothing_from_the_others(
    workers: list[KeptAnswers], wanted: Wanted
) -> None:
    make = Maker(b"[1]")
    gone = asyncio.create_task(workers[0].answer(wanted, make))
    await until(lambda: make.made == 1)
    other = asyncio.create_task(workers[0].answer(wanted, make))
    gone.cancel()
    make.may_go.set()

    assert await other == b"[1]"
    assert make.made == 1


async def test_what_fails_is_told_to_all_who_wait_and_not_kept(
    workers: list[KeptAnswers], wanted: Wanted
) -> None:
    async def fail() -> bytes:
        raise psycopg.OperationalError

    answers = await asyncio.gather(
        *(workers[0].answer(wanted, fail) for _ in range(3)), return_exceptions=True
    )
    make = Maker(b"[1]")
    make.may_go.set()

    assert [type(answer) for answer in answers] == [psycopg.OperationalError] * 3
    assert await workers[1].answer(wanted, make) == b"[1]"


async def test_a_worker_that_died_over_an_answer_keeps_nobody_up(
    workers: list[KeptAnswers], wanted: Wanted, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("serving.kept_answers._WAIT_SECONDS", 0.1)
    never = Maker()
    dead = asyncio.create_task(workers[0].answer(wanted, never))
    await until(lambda: never.made == 1)
    make = Maker(b"[1]")
    make.may_go.set()

    assert await workers[1].answer(wanted, make) == b"[1]"
    never.may_go.set()
    await dead


async def test_who_asks_after_a_change_does_not_get_an_answer_from_before_it(
    workers: list[KeptAnswers], wanted: Wanted
) -> None:
    old, new, newest = Maker(b"old"), Maker(b"new"), Maker(b"newest")
    new.may_go.set()
    newest.may_go.set()
    before = asyncio.create_task(workers[0].answer(wanted, old))
    await until(lambda: old.made == 1)
    await workers[1].invalidate("tests", [UUID(wanted.place.key.rpartition(":")[2])])

    assert await workers[0].answer(wanted, new) == b"new"
    old.may_go.set()
    assert await before == b"old"
    # It was kept by the tokens from before the change: as good as not at all.
    assert await workers[2].answer(wanted, newest) == b"newest"


async def test_without_redis_and_switched_off_every_answer_is_made(
    workers: list[KeptAnswers], wanted: Wanted, settings: Settings
) -> None:
    make = Maker()
    make.may_go.set()
    nowhere, there = RedisAccess(NOWHERE, 0.1), RedisAccess(settings.redis_url, 1.0)
    alone, switched_off = KeptAnswers(nowhere), KeptAnswers(there, lambda _: False)
    await workers[0].answer(wanted, make)
    for _ in range(2):
        await alone.answer(wanted, make)
        await switched_off.answer(wanted, make)
    for redis in (nowhere, there):
        await redis.close()

    assert make.made == 5


async def test_asking_for_much_keeps_little(workers: list[KeptAnswers], settings: Settings) -> None:
    name = f"tests:{uuid4()}"
    make, large = Maker(), Maker(b"x" * 200_000)
    make.may_go.set()
    large.may_go.set()
    for number in range(100):
        few = one_of_few("tests", place_of(name, "tests"), 60, f"question {number}")
        assert await workers[0].answer(few, make) == b"{}"
    too_large = one_of_few("tests", place_of(f"{name}:large", "tests"), 60, "a year")
    await workers[0].answer(too_large, large)
    redis = RedisAccess(settings.redis_url, 1.0)
    kept = [key async for key in redis.client.scan_iter(f"aurora:kept:{name}*")]
    found = await look_up(redis.client, too_large.place, too_large.stamp)
    await redis.close()

    assert 0 < len(kept) <= 8
    assert found.body is None


@pytest.fixture
async def world(
    settings: Settings, committed_database: str, role_url: Callable[..., str]
) -> AsyncIterator[tuple[httpx.AsyncClient, str]]:
    """An API over a warehouse that has scores."""
    with psycopg.connect(committed_database, autocommit=True) as connection:
        connection.execute("create schema if not exists marts")
        connection.execute(
            "create table marts.scores (user_id uuid, local_date date, score_name text, version integer,"
            " score double precision, score_state text, coverage double precision, factors jsonb default '[]')"
        )
        connection.execute("grant usage on schema marts to aurora_serving")
        connection.execute("grant select on marts.scores to aurora_serving")
    url = role_url("aurora_serving", committed_database)
    async with running(create_app(settings.model_copy(update={"postgres_url": url}), quick())) as client:
        yield client, committed_database


def write(url: str, statement: str, *values: Any) -> None:
    with psycopg.connect(url) as connection:
        connection.execute(statement, values)  # type: ignore[arg-type]  # of this file


async def sleep_score(client: httpx.AsyncClient, who: Account, path: str) -> float | None:
    answer = await client.get(f"/api/v1/{path}", headers=who.headers)
    assert answer.status_code == 200, answer.text
    return answer.json()[0]["score"] if answer.json() else None


@pytest.mark.parametrize("path", ["scores", "scores/history", "scores/history?name=sleep"])
async def test_scores_are_kept_until_a_build_is_over(world: tuple[httpx.AsyncClient, str], path: str) -> None:
    client, url = world
    ada, bob = await log_in(client), await log_in(client)
    write(url, SCORE, ada.user_id, 70)
    assert [await sleep_score(client, who, path) for who in (ada, bob)] == [70, None]

    write(url, "update marts.scores set score = 80")
    hits = answered(path.partition("?")[0], "hit")
    assert await sleep_score(client, ada, path) == 70
    assert answered(path.partition("?")[0], "hit") == hits + 1

    write(url, "select pg_notify(%s, %s)", CHANNEL, SCORES)
    async with asyncio.timeout(10):
        while await sleep_score(client, ada, path) != 80:
            pass


async def test_an_unchanged_answer_is_not_sent_twice(world: tuple[httpx.AsyncClient, str]) -> None:
    client, url = world
    ada = await log_in(client)
    write(url, SCORE, ada.user_id, 70)
    for path in ("scores", "scores/history", "patterns"):
        first = await client.get(f"/api/v1/{path}", headers=ada.headers)
        known = {"If-None-Match": first.headers["etag"]}
        second = await client.get(f"/api/v1/{path}", headers=ada.headers | known)
        assert (first.status_code, second.status_code, second.content) == (200, 304, b"")
        assert second.headers["cache-control"] == "private, no-cache"


async def test_a_search_for_patterns_concerns_whose_patterns_it_found(
    world: tuple[httpx.AsyncClient, str],
) -> None:
    client, url = world
    ada, bob = await log_in(client), await log_in(client)

    async def told_days(who: Account) -> int | None:
        answer = (await client.get("/api/v1/patterns", headers=who.headers)).json()
        return answer["search"] and answer["search"]["told_days"]

    assert [await told_days(who) for who in (ada, bob)] == [None, None]
    for who in (ada, bob):
        write(
            url,
            "insert into insights.pattern_searches (user_id, week_ended_date, first_date, told_days, patterns, tested,"
            " omitted, method_version) values (%s, '2026-11-22', '2026-05-20', 150, 0, '{}', '[]', 1)",
            who.user_id,
        )
    write(url, f"select pg_notify(%s, '{PATTERNS}:' || %s)", CHANNEL, ada.user_id)

    async with asyncio.timeout(10):
        while await told_days(ada) != 150:
            pass
    assert await told_days(bob) is None


async def test_an_administrator_can_have_nothing_kept(world: tuple[httpx.AsyncClient, str]) -> None:
    client, url = world
    ada = await log_in(client)
    write(url, "insert into app.feature_flags (name, is_on) values ('response-cache', false)")
    off = answered("scores", "switched_off")

    async with asyncio.timeout(10):
        while answered("scores", "switched_off") == off:
            assert await sleep_score(client, ada, "scores") is None


async def test_who_moves_to_another_zone_gets_another_prediction(
    world: tuple[httpx.AsyncClient, str],
) -> None:
    client, _ = world
    ada = await log_in(client, tz="Europe/Oslo")
    await client.post("/api/v1/events", json=an_event(), headers=ada.headers)

    async def as_of() -> str:
        return (await client.get("/api/v1/predictions/energy", headers=ada.headers)).json()["as_of"]

    first, kept = await as_of(), await as_of()
    await client.patch("/api/v1/auth/me", json={"tz": "Pacific/Auckland"}, headers=ada.headers)

    assert kept == first
    assert await as_of() > first


async def token_of(redis: RedisAccess, tag: str) -> Any:
    return await redis.client.get(f"aurora:tag:{tag}")


@asynccontextmanager
async def heard(settings: Settings, redis: RedisAccess, lag: float | None) -> AsyncIterator[None]:
    """While a worker hears of changes; it has made void what it may have missed."""
    before = await token_of(redis, SCORES)
    listening = asyncio.create_task(
        KeptChanges(settings.postgres_url, KeptAnswers(redis), replica_lag=lag).listen()
    )
    async with asyncio.timeout(10):
        while await token_of(redis, SCORES) == before:
            pass
    yield
    await end([listening])


async def test_what_a_replica_may_have_had_late_is_made_void_once_more(
    settings: Settings, api_database: str
) -> None:
    redis = RedisAccess(settings.redis_url, 1.0)
    async with heard(settings, redis, lag=0.3):
        before = await token_of(redis, SCORES)
        write(api_database, "select pg_notify(%s, %s)", CHANNEL, SCORES)
        tokens = {before}
        async with asyncio.timeout(10):
            while len(tokens) < 3:
                tokens.add(await token_of(redis, SCORES))
    await redis.close()


async def test_what_is_told_while_redis_is_away_is_made_void_before_it_is_asked_again(
    settings: Settings, api_database: str
) -> None:
    async with gate_to(settings.redis_url) as (url, switch):
        there, gated = RedisAccess(settings.redis_url, 1.0), RedisAccess(url, 1.0)
        async with heard(settings, gated, lag=None):
            before = await token_of(there, SCORES)
            with capture_logs() as logs:
                switch(False)
                write(api_database, "select pg_notify(%s, %s)", CHANNEL, SCORES)
                await until(lambda: gated.is_away)
                switch(True)
                await until(lambda: not gated.is_away)
            assert await token_of(there, SCORES) != before
        for redis in (there, gated):
            await redis.close()

    assert [log["event"] for log in logs] == ["redis_away", "redis_back"], "the line to Postgres was not cut"


async def test_a_change_that_redis_was_not_told_of_is_not_forgotten(
    settings: Settings, workers: list[KeptAnswers], wanted: Wanted
) -> None:
    make = Maker(b"old")
    make.may_go.set()
    ada = UUID(wanted.place.key.rpartition(":")[2])
    await workers[0].answer(wanted, make)
    async with gate_to(settings.redis_url) as (url, switch):
        gated = RedisAccess(url, 1.0)
        cut_off = KeptAnswers(gated)
        switch(False)
        await cut_off.invalidate("tests", [ada])
        make.body = b"new"
        assert await workers[0].answer(wanted, make) == b"old"
        switch(True)
        await until(lambda: not gated.is_away)
        await gated.close()

    assert await workers[0].answer(wanted, make) == b"new"


async def test_many_who_ask_for_much_at_once_do_not_make_redis_seem_away(settings: Settings) -> None:
    redis = RedisAccess(settings.redis_url, 0.1)
    kept, ada = KeptAnswers(redis), uuid4()
    make = Maker(b"x" * 120_000)
    make.may_go.set()
    long = one_of_few("tests", place_of(f"tests:{ada}", tag_of("tests", ada)), 60, "a year")
    await kept.answer(long, make)

    answers = await asyncio.gather(*(kept.answer(long, make) for _ in range(200)))

    assert {len(answer) for answer in answers} == {120_000}
    assert (make.made, redis.is_away) == (1, False)
    await redis.close()
