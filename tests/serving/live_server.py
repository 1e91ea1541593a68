"""A real API on a port of its own, and somebody who tells people things, for tests of the WebSocket."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID, uuid4

import psycopg
import redis.asyncio
import uvicorn
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from aurora.notices.knocks import knock
from aurora.notices.log import EVERYBODY, Head, append
from aurora.notices.messages import AnnouncementNotice, ChangedEvent, EventsNotice, InsightsNotice, Notice
from aurora.settings import Settings
from infra.ports import free_port
from serving.app import create_app
from serving.options import ApiOptions
from serving.protocol import protocol
from tests.serving.conftest import Account
from tests.serving.live_schemas import told_as_described

NOW = datetime(2026, 11, 25, 9, 30, tzinfo=UTC)
TODAY = date(2026, 11, 25)


class Server:
    """A real server on a port of its own."""

    def __init__(self, settings: Settings, options: ApiOptions, port: int | None = None) -> None:
        self.app = create_app(settings, options)
        self.port = port or free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        config = uvicorn.Config(self.app, host="127.0.0.1", port=self.port, **protocol(options))
        self._server = uvicorn.Server(config)
        self.teller = Teller(settings)

    def socket(self, who: Account | None, query: str = "", **options: Any) -> connect:
        headers = who.headers if who else {}
        return connect(
            f"ws://127.0.0.1:{self.port}/api/v1/ws{query}",
            additional_headers=headers,
            compression=None,
            **options,
        )

    @asynccontextmanager
    async def run(self) -> AsyncIterator[Server]:
        task = asyncio.create_task(self._server.serve())
        for _ in range(200):
            if self._server.started:
                break
            await asyncio.sleep(0.02)
        try:
            yield self
        finally:
            self._server.should_exit = True
            await task


class Teller:
    """Writes notices and knocks, as the streams do."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    async def tell(self, user_id: str | UUID, *notices: Notice, knocks: bool = True) -> None:
        url = self._settings.need("postgres_url")
        async with await psycopg.AsyncConnection.connect(url) as connection:
            heads = await append(connection, [(UUID(str(user_id)), notice) for notice in notices])
        if knocks:
            await self.knock(heads)

    async def knock(self, heads: list[Head]) -> None:
        async with redis.asyncio.Redis.from_url(self._settings.need("redis_url")) as client:
            await knock(client, heads)

    async def announce(self, text: str) -> None:
        await self.tell(EVERYBODY, AnnouncementNotice(text=text))


def numbered(number: int) -> InsightsNotice:
    """A notice that can be told from others."""
    return InsightsNotice(as_of=NOW, local_date=TODAY, insight_ids=[UUID(int=number)])


def number_of(message: dict[str, Any]) -> int:
    return UUID(message["insight_ids"][0]).int


def a_long_notice() -> EventsNotice:
    """About 15 KB."""
    events = [
        ChangedEvent(event_id=uuid4(), version=1, type="energy.rated", local_date=TODAY) for _ in range(100)
    ]
    return EventsNotice(as_of=NOW, local_date=TODAY, local_dates=[TODAY], events=events)


async def hear(socket: ClientConnection, seconds: float = 5) -> dict[str, Any]:
    return told_as_described(json.loads(await asyncio.wait_for(socket.recv(), seconds)))


async def hear_numbers(socket: ClientConnection, count: int) -> list[int]:
    """The next so many numbered notices; heartbeats and the welcome are passed over."""
    numbers: list[int] = []
    while len(numbers) < count:
        message = await hear(socket)
        if message["type"] == "message":
            numbers.append(number_of(message))
    return numbers


async def hear_until_closed(socket: ClientConnection) -> list[dict[str, Any]]:
    heard = []
    with contextlib.suppress(ConnectionClosed):
        while True:
            heard.append(await hear(socket, 15))
    return heard


async def until(condition: Callable[[], bool], seconds: float = 15) -> None:
    """Wait until it is so; the test fails when it does not become so in time."""
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110  # what is waited for happens in the server
            await asyncio.sleep(0.01)
