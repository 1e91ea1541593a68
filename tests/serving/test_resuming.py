"""Coming back with a cursor: what was missed, once and in order, then what comes; or a word that says resync."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from uuid import UUID

import httpx
import psycopg
import pytest
import redis.asyncio
from websockets.exceptions import ConnectionClosed, InvalidStatus

from aurora.notices.log import append
from aurora.settings import Settings
from serving.live import resuming
from serving.live.cursors import Cursor, Place, read_cursor
from tests.serving.conftest import Account, log_in, quick
from tests.serving.live_server import Server, Teller, hear, hear_numbers, number_of, numbered
from tests.serving.test_failures import gate_to


@pytest.fixture(scope="module")
async def server(settings: Settings) -> AsyncIterator[Server]:
    async with Server(settings, quick(sockets_per_person=50, look_seconds=0.2)).run() as server:
        yield server


@pytest.fixture(scope="module")
async def other_worker(settings: Settings) -> AsyncIterator[Server]:
    async with Server(settings, quick(sockets_per_person=50, look_seconds=0.2)).run() as server:
        yield server


@pytest.fixture
async def ada(server: Server) -> Account:
    async with httpx.AsyncClient(base_url=server.url) as http:
        return await log_in(http)


async def tell(server: Server, ada: Account, *numbers: int, knocks: bool = True) -> None:
    await server.teller.tell(ada.user_id, *(numbered(number) for number in numbers), knocks=knocks)


async def cursor_after(server: Server, ada: Account, *numbers: int) -> str:
    """A cursor behind these, which are told meanwhile."""
    async with server.socket(ada) as socket:
        cursor = (await hear(socket))["cursor"]
        await tell(server, ada, *numbers)
        for _ in numbers:
            cursor = (await hear(socket))["cursor"]
    return cursor


async def test_who_comes_back_hears_what_was_missed_and_then_what_comes(server: Server, ada: Account) -> None:
    cursor = await cursor_after(server, ada, 1, 2)
    await tell(server, ada, 3, 4)
    async with server.socket(ada, f"?cursor={cursor}") as socket:
        welcome = await hear(socket)
        missed = [await hear(socket), await hear(socket)]
        await tell(server, ada, 5)
        live = await hear(socket)

    assert welcome["cursor"] == cursor
    assert [number_of(message) for message in [*missed, live]] == [3, 4, 5]
    assert len({message["cursor"] for message in [welcome, *missed, live]}) == 4


async def test_each_message_can_be_resumed_from(server: Server, ada: Account) -> None:
    async with server.socket(ada) as socket:
        cursors = [(await hear(socket))["cursor"]]
        await tell(server, ada, *range(5))
        cursors += [(await hear(socket))["cursor"] for _ in range(5)]
    for heard, cursor in enumerate(cursors[:-1]):
        async with server.socket(ada, f"?cursor={cursor}") as socket:
            assert await hear_numbers(socket, 5 - heard) == list(range(heard, 5))


async def test_a_cursor_is_good_on_every_worker(server: Server, other_worker: Server, ada: Account) -> None:
    cursor = await cursor_after(server, ada, 1)
    await tell(server, ada, 2)
    async with other_worker.socket(ada, f"?cursor={cursor}") as socket:
        heard = await hear_numbers(socket, 1)
        await tell(server, ada, 3)
        heard += await hear_numbers(socket, 1)

    assert heard == [2, 3]


async def test_a_cursor_from_before_the_first_notice_is_good(server: Server, ada: Account) -> None:
    cursor = await cursor_after(server, ada)
    await tell(server, ada, 1, 2)
    async with server.socket(ada, f"?cursor={cursor}") as socket:
        assert await hear_numbers(socket, 2) == [1, 2]


async def test_missed_announcements_are_told_as_well(server: Server, ada: Account) -> None:
    cursor = await cursor_after(server, ada, 1)
    await server.teller.announce("maintenance at noon")
    await tell(server, ada, 2)
    async with server.socket(ada, f"?cursor={cursor}") as socket:
        await hear(socket)
        missed = [await hear(socket), await hear(socket)]

    assert {message["subject"] for message in missed} == {"announcements", "insights"}


async def test_only_the_topics_that_are_named_are_replayed(server: Server, ada: Account) -> None:
    cursor = await cursor_after(server, ada, 1)
    await tell(server, ada, 2)
    async with server.socket(ada, f"?cursor={cursor}&topics=events") as socket:
        welcome = await hear(socket)
        await socket.send('{"action": "ping"}')
        answer = await hear(socket)

    assert welcome["type"] == "welcome"
    assert answer["type"] == "pong"


@pytest.mark.parametrize("cursor", ["nonsense", "deadbeef.1-.0", ".7-.0", "x" * 300, "%00", "é"])
async def test_an_unknown_cursor_is_told_so_and_the_socket_goes_on(
    server: Server, ada: Account, cursor: str
) -> None:
    await tell(server, ada, 1)
    async with server.socket(ada, f"?cursor={cursor.encode().decode('latin-1')}") as socket:
        welcome, resync = await hear(socket), await hear(socket)
        await tell(server, ada, 2)
        heard = await hear_numbers(socket, 1)

    assert (resync["type"], resync["reason"]) == ("resync", "cursor-unknown")
    assert resync["cursor"] == welcome["cursor"]
    assert heard == [2]


async def test_a_cursor_ahead_of_the_log_is_unknown(server: Server, ada: Account) -> None:
    given = read_cursor(await cursor_after(server, ada, 1))
    assert given is not None
    ahead = Cursor(Place(given.own.epoch, given.own.position + 5), given.everybody)
    async with server.socket(ada, f"?cursor={ahead}") as socket:
        await hear(socket)
        resync = await hear(socket)

    assert resync["reason"] == "cursor-unknown"


async def test_the_cursor_of_another_person_leads_nowhere(server: Server, ada: Account) -> None:
    async with httpx.AsyncClient(base_url=server.url) as http:
        bo = await log_in(http)
    await tell(server, bo, 1, 2)
    hers = await cursor_after(server, ada, 1)
    async with server.socket(bo, f"?cursor={hers}") as socket:
        await hear(socket)
        resync = await hear(socket)

    assert resync["reason"] == "cursor-unknown"


async def test_what_is_not_kept_any_more_is_told_as_too_old(
    server: Server, ada: Account, api_database: str
) -> None:
    cursor = await cursor_after(server, ada, 1)
    await tell(server, ada, 2, 3)
    async with await psycopg.AsyncConnection.connect(api_database) as owner:
        await owner.execute("delete from app.notices where user_id = %s and position <= 2", (ada.user_id,))
    async with server.socket(ada, f"?cursor={cursor}") as socket:
        await hear(socket)
        resync = await hear(socket)
    # From there on it goes without a gap again.
    await tell(server, ada, 4)
    async with server.socket(ada, f"?cursor={resync['cursor']}") as socket:
        heard = await hear_numbers(socket, 1)

    assert resync["reason"] == "cursor-too-old"
    assert heard == [4]


async def test_who_missed_very_much_is_sent_to_the_api(
    server: Server, ada: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resuming, "MOST_MISSED", 10)
    cursor = await cursor_after(server, ada, 1)
    await tell(server, ada, *range(11))
    async with server.socket(ada, f"?cursor={cursor}") as socket:
        await hear(socket)
        resync = await hear(socket)

    assert resync["reason"] == "cursor-too-old"


async def test_a_long_absence_is_replayed_whole(server: Server, ada: Account) -> None:
    cursor = await cursor_after(server, ada, 0)
    await tell(server, ada, *range(1, 3001))
    async with server.socket(ada, f"?cursor={cursor}") as socket:
        assert await hear_numbers(socket, 3000) == list(range(1, 3001))


async def test_a_notice_that_nobody_knocked_for_is_found(server: Server, ada: Account) -> None:
    async with server.socket(ada) as socket:
        await hear(socket)
        await tell(server, ada, 1, knocks=False)
        assert await hear_numbers(socket, 1) == [1]


async def test_notices_come_without_redis_and_after_it(settings: Settings) -> None:
    async with gate_to(settings.redis_url) as (url, switch):
        gated = settings.model_copy(update={"redis_url": url})
        async with Server(gated, quick(look_seconds=60)).run() as server:
            async with httpx.AsyncClient(base_url=server.url) as http:
                ada = await log_in(http)
            async with server.socket(ada) as socket:
                await hear(socket)
                switch(False)
                await tell(server, ada, 1)
                without = await hear_numbers(socket, 1)
                switch(True)
                await tell(server, ada, 2)
                after = await hear_numbers(socket, 1)

    assert without + after == [1, 2]


async def test_a_line_that_was_lost_and_begun_anew_is_told_as_unknown(
    server: Server, ada: Account, api_database: str
) -> None:
    async with server.socket(ada) as socket:
        await hear(socket)
        await tell(server, ada, 1, 2, 3)
        cursor = [await hear(socket) for _ in range(3)][-1]["cursor"]
        async with await psycopg.AsyncConnection.connect(api_database) as owner:
            await owner.execute("delete from app.notices where user_id = %s", (ada.user_id,))
            await owner.execute("delete from app.notice_heads where user_id = %s", (ada.user_id,))
        await tell(server, ada, 4)
        with pytest.raises(ConnectionClosed) as closed:
            await hear(socket)
    async with server.socket(ada, f"?cursor={cursor}") as socket:
        await hear(socket)
        resync = await hear(socket)

    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 1012
    assert resync["reason"] == "cursor-unknown"


@pytest.mark.slow
async def test_nobody_misses_or_hears_twice_whatever_happens_meanwhile(
    settings: Settings, api_database: str
) -> None:
    """Six clients come and go on two workers while notices are told without a break, some of them never
    committed, some without a knock; Redis is wiped and goes away.
    """
    chance = random.Random(20261125)  # noqa: S311  # no secret
    async with gate_to(settings.redis_url) as (url, switch):
        gated = settings.model_copy(update={"redis_url": url})
        options = quick(sockets_per_person=50, look_seconds=0.2, user_per_minute=100_000)
        async with Server(gated, options).run() as one, Server(gated, options).run() as two:
            async with httpx.AsyncClient(base_url=one.url) as http:
                ada = await log_in(http)
            told: list[int] = []
            last: asyncio.Future[int] = asyncio.get_running_loop().create_future()
            clients = [asyncio.create_task(come_and_go([one, two], ada, chance, last)) for _ in range(6)]
            await asyncio.sleep(0.3)
            await asyncio.gather(
                *(tell_without_break(api_database, one.teller, ada, chance, told) for _ in range(3)),
                disturb(settings, switch),
            )
            await tell(one, ada, 1)
            last.set_result(1)
            heard = await asyncio.wait_for(asyncio.gather(*clients), 30)

    expected = await numbers_in_log(api_database, ada)
    assert sorted([*told, 1]) == sorted(expected)
    assert len(expected) > 100
    print("notices, connections of each client:", len(expected), [count for _, count in heard])  # noqa: T201
    for numbers, connections in heard:
        assert numbers == expected[len(expected) - len(numbers) :]
        assert len(numbers) > len(expected) - 50
        assert connections > 1  # came back at least once, however busy the machine


async def tell_without_break(
    database: str, teller: Teller, ada: Account, chance: random.Random, told: list[int]
) -> None:
    loop = asyncio.get_running_loop()
    until = loop.time() + 5
    async with await psycopg.AsyncConnection.connect(database) as connection:
        while loop.time() < until:
            numbers = [chance.randrange(2, 2**60) for _ in range(chance.randrange(1, 5))]
            heads = await append(connection, [(UUID(ada.user_id), numbered(number)) for number in numbers])
            await asyncio.sleep(chance.random() * 0.01)
            if chance.random() < 0.2:
                await connection.rollback()
                continue
            await connection.commit()
            told += numbers
            if chance.random() < 0.9:
                await teller.knock(heads)


async def disturb(settings: Settings, switch: Callable[[bool], None]) -> None:
    async with redis.asyncio.Redis.from_url(settings.redis_url) as client:
        for _ in range(3):
            await asyncio.sleep(0.5)
            await client.flushdb()
            switch(False)
            await asyncio.sleep(0.3)
            switch(True)


async def come_and_go(
    servers: list[Server], ada: Account, chance: random.Random, last: asyncio.Future[int]
) -> tuple[list[int], int]:
    """What one client heard, and on how many connections. It ends when it has heard the last there is."""
    heard: list[int] = []
    cursor, connections = "", 0
    while True:
        query = f"?cursor={cursor}" if cursor else ""
        try:
            # Leaving with a full queue would wait for its turn to read the server's farewell.
            async with chance.choice(servers).socket(ada, query, max_queue=None) as socket:
                connections += 1
                for _ in range(chance.randrange(1, 60)):
                    if last.done() and heard[-1:] == [last.result()]:
                        return heard, connections
                    try:
                        message = await hear(socket, 0.2)
                    except TimeoutError:
                        continue
                    assert message["type"] in {"welcome", "message", "heartbeat"}, message
                    cursor = message["cursor"]
                    if message["type"] == "message":
                        heard.append(number_of(message))
        except (InvalidStatus, ConnectionClosed, OSError):
            await asyncio.sleep(0.05)


async def numbers_in_log(database: str, ada: Account) -> list[int]:
    async with await psycopg.AsyncConnection.connect(database) as connection:
        cursor = await connection.execute(
            "select body from app.notices where user_id = %s order by position", (ada.user_id,)
        )
        return [number_of(body) for (body,) in await cursor.fetchall()]
