"""The fixtures of all tests keep tests apart."""

from __future__ import annotations

from collections.abc import Callable

import psycopg
import pytest
import redis


@pytest.mark.parametrize("turn", [1, 2])
async def test_what_one_test_writes_the_next_does_not_see(
    database: psycopg.AsyncConnection, turn: int
) -> None:
    await database.execute("create table app.scribbles (turn int)")
    await database.execute("insert into app.scribbles values (%s)", (turn,))

    rows = await (await database.execute("select turn from app.scribbles")).fetchall()

    assert rows == [(turn,)]


async def test_a_rolled_back_test_may_not_commit(database: psycopg.AsyncConnection) -> None:
    with pytest.raises(psycopg.ProgrammingError, match="commit"):
        await database.commit()


@pytest.mark.parametrize("turn", [1, 2])
def test_a_committed_database_is_fresh_each_time(committed_database: str, turn: int) -> None:
    with psycopg.connect(committed_database) as connection:
        connection.execute("create table app.scribbles (turn int)")
    with psycopg.connect(committed_database) as connection:
        row = connection.execute("select count(*) from app.scribbles").fetchone()

    assert row == (0,)


def test_a_role_logs_in_with_its_derived_password(role_url: Callable[..., str]) -> None:
    with psycopg.connect(role_url("aurora_serving")) as connection:
        row = connection.execute("select current_user").fetchone()

    assert row == ("aurora_serving",)


@pytest.mark.parametrize("turn", [1, 2])
def test_redis_is_empty_at_the_start_of_a_test(redis_url: str, turn: int) -> None:
    with redis.Redis.from_url(redis_url) as client:
        assert client.dbsize() == 0
        client.set("scribble", turn)
