from __future__ import annotations

import asyncio
import select

import psycopg
import pytest

from aurora.database.connections import connect, connect_at_length, pool
from aurora.errors import ServiceUnavailableError
from infra.ports import free_port


def test_a_block_that_ends_well_is_committed_and_one_that_fails_is_not(committed_database: str) -> None:
    with connect(committed_database) as connection:
        connection.execute("create table app.kept (x int)")
    with pytest.raises(RuntimeError), connect(committed_database) as connection:
        _make_a_table_and_fail(connection)

    with connect(committed_database) as connection:
        row = connection.execute("select to_regclass('app.kept'), to_regclass('app.lost')").fetchone()
        assert row == ("app.kept", None)


def _make_a_table_and_fail(connection: psycopg.Connection) -> None:
    connection.execute("create table app.lost (x int)")
    raise RuntimeError


def test_a_database_that_does_not_answer_is_named_and_says_what_to_do() -> None:
    url = f"postgresql://aurora_owner:secret@127.0.0.1:{free_port()}/aurora"

    with pytest.raises(ServiceUnavailableError, match=r"Postgres .*`aurora status`") as caught, connect(url):
        pass

    assert "secret" not in str(caught.value)


async def test_a_pool_hands_out_connections_that_work_after_one_was_cut(committed_database: str) -> None:
    async with pool(committed_database, 1) as connections:
        async with connections.connection() as connection:
            backend = connection.info.backend_pid
            descriptor = connection.fileno()
        with psycopg.connect(committed_database) as other:
            other.execute("select pg_terminate_backend(%s)", (backend,))
        poll = select.poll()
        poll.register(descriptor, select.POLLIN)
        assert poll.poll(5_000)

        async with connections.connection() as connection:
            cursor = await connection.execute("select 1")
            assert await cursor.fetchone() == (1,)


async def test_a_statement_of_a_pool_in_autocommit_is_a_transaction_of_its_own(
    committed_database: str,
) -> None:
    async with pool(committed_database, 1, autocommit=True) as connections:
        async with connections.connection() as connection:
            await connection.execute("create table app.kept_at_once (x int)")
            await connection.rollback()

        async with connections.connection() as connection:
            cursor = await connection.execute("select count(*) from app.kept_at_once")
            assert await cursor.fetchone() == (0,)


async def test_an_attempt_to_connect_that_is_cancelled_does_not_stay_with_the_server() -> None:
    is_asked, may_answer = asyncio.Event(), asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(8)
        is_asked.set()
        await may_answer.wait()
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        connecting = asyncio.create_task(connect_at_length(f"postgresql://ada@127.0.0.1:{port}/ada"))
        async with asyncio.timeout(10):
            await is_asked.wait()
            connecting.cancel()
            await asyncio.wait([connecting], timeout=0.05)
            assert not connecting.done(), "it was let go of half-way"
            may_answer.set()
            await asyncio.wait([connecting])

    assert connecting.cancelled()
