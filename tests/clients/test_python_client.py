"""The Python client against a real API: it comes back by itself, and hears everything once and in order."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import httpx
import pytest

from aurora.settings import Settings
from aurora_client import ApiError, Live, LoginRequiredError, Pauses, Session, Tokens
from infra.ports import free_port
from tests.serving.conftest import PASSWORD, Account, log_in, quick
from tests.serving.live_schemas import told_as_described
from tests.serving.live_server import Server, a_long_notice, number_of, numbered, until

QUICK = Pauses(first=0.05, longest=0.3)


@pytest.fixture(scope="module")
async def server(settings: Settings) -> AsyncIterator[Server]:
    async with Server(settings, quick(sockets_per_person=2, look_seconds=0.2)).run() as server:
        yield server


@asynccontextmanager
async def somebody(server: Server) -> AsyncIterator[tuple[Account, Session]]:
    async with httpx.AsyncClient(base_url=server.url) as http:
        account = await log_in(http)
    async with Session(server.url, tokens_of(account)) as session:
        yield account, session


def tokens_of(account: Account) -> Tokens:
    return Tokens(account.tokens["access_token"], account.tokens["refresh_token"])


async def hear(live: Live, count: int) -> list[Any]:
    """The next so many messages."""
    heard: list[Any] = []
    async with asyncio.timeout(30):
        async for message in live:
            heard.append(dict(message))
            if len(heard) % 20 == 1:  # a look at some: a thousand long ones would take their time
                told_as_described(heard[-1])
            if len(heard) == count:
                break
    return heard


async def numbers(live: Live, count: int) -> list[int]:
    return [number_of(message) for message in await hear(live, count)]


async def tell(server: Server, account: Account, *told: int) -> None:
    await server.teller.tell(account.user_id, *(numbered(number) for number in told))


async def listening(server: Server, account: Account, live: Live) -> None:
    """Return when the client is connected and has heard its first message, number 0."""
    first = asyncio.create_task(numbers(live, 1))
    await until(lambda: len(sockets_of(server)) > 0)
    await tell(server, account, 0)
    assert await first == [0]


def sockets_of(server: Server) -> set[Any]:
    return server.app.state.resources.hub._announcements.sockets


async def test_it_logs_in_asks_and_hears(server: Server) -> None:
    async with httpx.AsyncClient(base_url=server.url) as http:
        account = await log_in(http)
    async with await Session.log_in(server.url, account.username, PASSWORD) as session:
        page = await session.request("GET", "/api/v1/events")
        async with session.listen(["insights"]) as live:
            await listening(server, account, live)
            await tell(server, account, 1)
            [message] = await hear(live, 1)

    assert page["items"] == []
    assert message["subject"] == "insights"
    assert message["cursor"] == live.cursor


async def test_a_wrong_password_is_an_error_with_its_code(server: Server) -> None:
    with pytest.raises(ApiError) as refused:
        await Session.log_in(server.url, "nobody", "a wrong password")

    assert (refused.value.status, refused.value.code) == (401, "credentials-invalid")


async def test_after_a_restart_of_the_server_it_hears_what_it_missed(settings: Settings) -> None:
    port = free_port()
    async with Server(settings, quick(), port).run() as server, somebody(server) as (account, session):
        live = session.listen(pauses=QUICK)
        await listening(server, account, live)
    async with session, live:
        waiting = asyncio.create_task(numbers(live, 4))
        await tell(server, account, 1, 2)
        await asyncio.sleep(0.3)
        async with Server(settings, quick(), port).run() as again:
            await tell(again, account, 3, 4)
            heard = await waiting

    assert heard == [1, 2, 3, 4]


async def test_a_program_that_starts_again_goes_on_where_it_was(server: Server) -> None:
    async with somebody(server) as (account, session):
        async with session.listen() as live:
            await listening(server, account, live)
            await tell(server, account, 1, 2)
            [first] = await hear(live, 1)
        async with session.listen(cursor=first["cursor"]) as live:
            assert await numbers(live, 1) == [2]


async def test_it_renews_an_access_token_that_has_ended(server: Server) -> None:
    async with somebody(server) as (account, session):
        renewed: list[Tokens] = []
        tokens = Tokens("ended", session.tokens.refresh)
        async with Session(server.url, tokens, on_tokens=renewed.append) as late:
            live = late.listen(pauses=QUICK)
            async with live:
                await listening(server, account, live)

    assert renewed == [late.tokens]


async def test_requests_at_the_same_moment_renew_the_tokens_once(server: Server) -> None:
    async with somebody(server) as (_, session):
        renewed: list[Tokens] = []
        tokens = Tokens("ended", session.tokens.refresh)
        async with Session(server.url, tokens, on_tokens=renewed.append) as late:
            pages = await asyncio.gather(*(late.request("GET", "/api/v1/events") for _ in range(5)))

    assert len(pages) == 5
    assert len(renewed) == 1


async def test_tokens_that_end_while_it_listens_cost_no_message(settings: Settings) -> None:
    async with Server(settings, quick()).run() as server, somebody(server) as (account, session):
        issuer = server.app.state.resources.accounts._issuer
        issuer._lifetimes["access"] = timedelta(seconds=2)
        await session.refresh(session.tokens.access)
        first_token = session.tokens.access
        async with session.listen(pauses=QUICK) as live:
            await listening(server, account, live)
            hearing = asyncio.create_task(numbers(live, 30))
            for number in range(1, 31):
                await tell(server, account, number)
                await asyncio.sleep(0.12)
            heard = await hearing

    assert heard == list(range(1, 31))
    assert session.tokens.access != first_token


async def test_a_consumer_that_takes_its_time_is_dropped_and_misses_nothing(settings: Settings) -> None:
    options = quick(socket_buffer_bytes=131_072)
    async with (
        Server(settings, options).run() as server,
        somebody(server) as (account, session),
        session.listen(pauses=QUICK) as live,
    ):
        await listening(server, account, live)
        closed = closings()
        for _ in range(30):
            await server.teller.tell(account.user_id, *(a_long_notice() for _ in range(20)))
        messages = await hear(live, 600)
        dropped = closings() - closed

    positions = [int(message["cursor"].split("-")[0].split(".")[1]) for message in messages]
    assert positions == list(range(2, 602))
    assert dropped > 0


def closings() -> float:
    from serving.live.metrics import SOCKETS_CLOSED

    return SOCKETS_CLOSED.labels("4408")._value.get()


async def test_a_cursor_that_leads_nowhere_is_handed_out_as_resync(server: Server) -> None:
    async with somebody(server) as (account, session):
        await tell(server, account, 1)
        async with session.listen(cursor="deadbeef.9-.0") as live:
            [resync] = await hear(live, 1)
            await tell(server, account, 2)
            heard = await numbers(live, 1)

    assert (resync["type"], resync["reason"]) == ("resync", "cursor-unknown")
    assert heard == [2]


async def test_a_login_that_was_closed_ends_it(settings: Settings) -> None:
    async with (
        Server(settings, quick(heartbeat_seconds=0.2)).run() as server,
        somebody(server) as (account, session),
        session.listen(pauses=QUICK) as live,
    ):
        await listening(server, account, live)
        await session.request("POST", "/api/v1/auth/logout")
        with pytest.raises(LoginRequiredError):
            await hear(live, 1)


async def test_a_topic_of_somebody_else_ends_it(server: Server) -> None:
    async with somebody(server) as (_, session), session.listen(["user:somebody:events"]) as live:
        with pytest.raises(ApiError) as refused:
            await hear(live, 1)

    assert refused.value.code == "parameter-invalid"


async def test_it_waits_for_a_place_when_there_are_too_many(server: Server) -> None:
    async with somebody(server) as (account, session):
        others = [await server.socket(account) for _ in range(2)]
        async with session.listen(pauses=QUICK) as live:
            waiting = asyncio.create_task(numbers(live, 1))
            await asyncio.sleep(0.3)
            await others[0].close()
            await until(lambda: len(sockets_of(server)) == 2)
            await tell(server, account, 7)
            heard = await waiting
        await others[1].close()

    assert heard == [7]


async def test_a_server_that_says_nothing_is_left(settings: Settings) -> None:
    """A connection that died without a word: the heartbeats stay away."""
    async with (
        Server(settings, quick(heartbeat_seconds=0.2)).run() as server,
        somebody(server) as (account, session),
        session.listen(pauses=QUICK) as live,
    ):
        await listening(server, account, live)
        server.app.state.resources.hub._beats.clear()
        [silent] = sockets_of(server)
        hearing = asyncio.create_task(numbers(live, 1))
        await until(lambda: silent not in sockets_of(server))
        await until(lambda: len(sockets_of(server)) == 1)
        await tell(server, account, 1)
        assert await hearing == [1]


def test_pauses_grow_and_differ() -> None:
    pauses = Pauses(first=1, longest=8)
    drawn = [[pauses.after(tries) for _ in range(200)] for tries in (0, 2, 50)]

    assert [max(some) <= most for some, most in zip(drawn, (1, 4, 8), strict=True)] == [True] * 3
    assert all(max(some) - min(some) > 0.5 for some in drawn)
    assert pauses.after(0, at_least=5) >= 5
