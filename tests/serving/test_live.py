"""The WebSocket over a real server: who gets in, what they hear, and when they have to go."""

from __future__ import annotations

import asyncio
import contextlib
import json
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
import redis.asyncio
import uvicorn
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from aurora.settings import Settings
from infra.ports import free_port
from serving.app import create_app
from serving.live.topics import ANNOUNCEMENTS, SYSTEM_CHANNEL, channel_of, topic_of_message
from serving.options import ApiOptions
from serving.protocol import protocol
from tests.serving.conftest import Account, log_in, quick
from tests.serving.test_failures import gate_to


class Server:
    """A real server on a port of its own."""

    def __init__(self, settings: Settings, options: ApiOptions) -> None:
        self.app = create_app(settings, options)
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        config = uvicorn.Config(self.app, host="127.0.0.1", port=self.port, **protocol(options))
        self._server = uvicorn.Server(config)
        self.redis = redis.asyncio.Redis.from_url(settings.redis_url)

    def socket(self, who: Account | None, query: str = "", **options: Any) -> connect:
        headers = who.headers if who else {}
        return connect(
            f"ws://127.0.0.1:{self.port}/api/v1/ws{query}",
            additional_headers=headers,
            compression=None,
            **options,
        )

    async def publish(self, user_id: str, topic: str, **body: Any) -> None:
        await self.redis.publish(channel_of(uuid.UUID(user_id)), json.dumps({"topic": topic, **body}))

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
            await self.redis.aclose()


@pytest.fixture(scope="module")
async def server(settings: Settings) -> AsyncIterator[Server]:
    async with Server(settings, quick(sockets_per_person=3)).run() as server:
        yield server


@pytest.fixture(scope="module")
async def http(server: Server) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=server.url) as client:
        yield client


@pytest.fixture
async def ada(http: httpx.AsyncClient) -> Account:
    return await log_in(http)


async def hear(socket: ClientConnection) -> dict[str, Any]:
    return json.loads(await asyncio.wait_for(socket.recv(), 5))


async def hear_until_closed(socket: ClientConnection) -> list[dict[str, Any]]:
    heard = []
    with contextlib.suppress(ConnectionClosed):
        while True:
            heard.append(await hear(socket))
    return heard


async def test_a_person_hears_their_own_topics(server: Server, ada: Account) -> None:
    async with server.socket(ada) as socket:
        welcome = await hear(socket)
        await server.publish(ada.user_id, "predictions", data={"target": "energy", "value": 6.4})
        message = await hear(socket)

    assert welcome["type"] == "welcome"
    assert set(welcome["topics"]) == {
        *(f"user:{ada.user_id}:{subject}" for subject in ("events", "predictions", "insights", "scores")),
        "system:announcements",
    }
    assert message["type"] == "message"
    assert message["topic"] == f"user:{ada.user_id}:predictions"
    assert message["data"] == {"target": "energy", "value": 6.4}


async def test_nobody_hears_or_gets_the_topics_of_another(
    server: Server, http: httpx.AsyncClient, ada: Account
) -> None:
    bo = await log_in(http)
    async with server.socket(bo) as socket:
        await hear(socket)
        await socket.send(json.dumps({"action": "subscribe", "topics": [f"user:{ada.user_id}:events"]}))
        refused = await hear(socket)
        await server.publish(ada.user_id, "events", data="ada's")
        # Somebody who may publish to Bo's channel cannot pass off a message as Ada's either.
        await server.publish(bo.user_id, f"user:{ada.user_id}:events", data="forged")
        await server.publish(bo.user_id, f"user:{bo.user_id}:events", data="bo's")
        heard = await hear(socket)

    assert (refused["type"], refused["code"]) == ("error", "topic-forbidden")
    assert heard["data"] == "bo's"


async def test_announcements_reach_everybody(server: Server, ada: Account) -> None:
    async with server.socket(ada) as socket:
        await hear(socket)
        await server.redis.publish(SYSTEM_CHANNEL, json.dumps({"data": "maintenance at noon"}))
        heard = await hear(socket)

    assert (heard["topic"], heard["data"]) == (ANNOUNCEMENTS, "maintenance at noon")


async def test_a_topic_can_be_left_and_taken_again(server: Server, ada: Account) -> None:
    events = f"user:{ada.user_id}:events"
    async with server.socket(ada) as socket:
        await hear(socket)
        await socket.send(json.dumps({"action": "unsubscribe", "topics": [events]}))
        left = await hear(socket)
        await server.publish(ada.user_id, "events", data=1)
        await server.publish(ada.user_id, "scores", data=2)
        heard = await hear(socket)
        await socket.send(json.dumps({"action": "subscribe", "topics": [events]}))
        taken = await hear(socket)

    assert events not in left["topics"]
    assert heard["data"] == 2
    assert events in taken["topics"]


@pytest.mark.parametrize(
    ("frame", "code"),
    [
        ("no json", "message-unreadable"),
        ("[]", "message-unreadable"),
        ('{"action": "subscribe", "topics": 7}', "message-unreadable"),
        ('{"action": "subscribe", "topics": [[]]}', "message-unreadable"),
        ('{"action": "drop"}', "action-unknown"),
        (b"bytes", "frames-are-text"),
    ],
)
async def test_a_strange_frame_is_answered_and_the_socket_lives(
    server: Server, ada: Account, frame: str | bytes, code: str
) -> None:
    async with server.socket(ada) as socket:
        await hear(socket)
        await socket.send(frame)
        refused = await hear(socket)
        await socket.send('{"action": "ping"}')
        pong = await hear(socket)

    assert refused["code"] == code
    assert pong == {"type": "pong"}


async def test_a_ticket_opens_one_socket_once(server: Server, http: httpx.AsyncClient, ada: Account) -> None:
    ticket = (await http.post("/api/v1/ws/tickets", headers=ada.headers)).json()["ticket"]

    async with server.socket(None, f"?ticket={ticket}") as socket:
        welcome = await hear(socket)
    with pytest.raises(InvalidStatus) as refused:
        await server.socket(None, f"?ticket={ticket}")

    assert f"user:{ada.user_id}:events" in welcome["topics"]
    assert refused.value.response.status_code == 401


@pytest.mark.parametrize("query", ["", "?ticket=", "?ticket=x", "?ticket=" + "x" * 500])
async def test_without_a_login_there_is_no_socket(server: Server, query: str) -> None:
    with pytest.raises(InvalidStatus) as refused:
        await server.socket(None, query)

    response = refused.value.response
    assert response.status_code == 401
    assert json.loads(response.body or b"")["code"] in {"token-missing", "token-invalid"}


async def test_a_refresh_token_opens_no_socket(server: Server, ada: Account) -> None:
    ada.headers["Authorization"] = f"Bearer {ada.tokens['refresh_token']}"

    with pytest.raises(InvalidStatus):
        await server.socket(ada)


async def test_a_person_may_hold_a_few_sockets_only(server: Server, ada: Account) -> None:
    open_ones = [await server.socket(ada) for _ in range(3)]
    with pytest.raises(InvalidStatus) as refused:
        await server.socket(ada)
    for socket in open_ones:
        await socket.close()

    assert refused.value.response.status_code == 429


async def test_after_logout_the_socket_is_closed_soon(settings: Settings) -> None:
    options = quick(heartbeat_seconds=0.1)
    async with Server(settings, options).run() as server, httpx.AsyncClient(base_url=server.url) as http:
        ada = await log_in(http)
        async with server.socket(ada) as socket:
            await hear(socket)
            await http.post("/api/v1/auth/logout", headers=ada.headers)
            heard = await hear_until_closed(socket)

    assert {message["type"] for message in heard} <= {"heartbeat"}
    assert socket.close_code == 4401


async def test_a_slow_consumer_is_dropped_and_the_others_hear_on(settings: Settings) -> None:
    options = quick(socket_queue=5, socket_send_seconds=0.5)
    async with Server(settings, options).run() as server, httpx.AsyncClient(base_url=server.url) as http:
        ada = await log_in(http)
        # Reads nothing: its window and our buffers fill up.
        slow = await server.socket(ada, max_queue=1)
        async with server.socket(ada) as quick_one:
            await hear(quick_one)
            heard = 0
            for number in range(400):
                await server.publish(ada.user_id, "events", data=number, padding="x" * 100_000)
                heard += (await hear(quick_one))["data"] == number
            # The slow one wakes up and finds what was under way, then the end.
            missed = 400 - len(await hear_until_closed(slow))

    assert heard == 400
    assert missed > 0


async def test_knocking_without_a_ticket_is_limited(settings: Settings) -> None:
    statuses = []
    async with Server(settings, quick(anonymous_per_minute=4)).run() as server:
        for _ in range(6):
            with pytest.raises(InvalidStatus) as refused:
                await server.socket(None, "?ticket=guessed")
            statuses.append(refused.value.response.status_code)

    assert statuses[-1] == 429
    assert 401 in statuses


async def test_sockets_hear_again_after_redis_was_away(settings: Settings) -> None:
    async with gate_to(settings.redis_url) as (url, switch):
        gated = settings.model_copy(update={"redis_url": url})
        async with Server(gated, quick()).run() as server, httpx.AsyncClient(base_url=server.url) as http:
            ada = await log_in(http)
            heard: dict[str, Any] = {}
            async with server.socket(ada) as socket:
                await hear(socket)
                switch(False)
                await asyncio.sleep(0.2)
                switch(True)
                for _ in range(100):
                    await server.publish(ada.user_id, "events", data="again")
                    with contextlib.suppress(TimeoutError):
                        heard = json.loads(await asyncio.wait_for(socket.recv(), 0.1))
                        break

    assert heard["data"] == "again"


async def test_when_the_server_stops_it_says_so(settings: Settings) -> None:
    server = Server(settings, quick())
    async with server.run(), httpx.AsyncClient(base_url=server.url) as http:
        socket = await server.socket(await log_in(http))
        await hear(socket)

    with pytest.raises(ConnectionClosed) as closed:
        await hear(socket)
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 1012


def test_a_message_belongs_to_the_channel_it_came_by() -> None:
    ada, bo = uuid.UUID(int=1), uuid.UUID(int=2)

    assert topic_of_message("scores", ada) == f"user:{ada}:scores"
    assert topic_of_message(f"user:{ada}:scores", ada) == f"user:{ada}:scores"
    assert topic_of_message(f"user:{bo}:scores", ada) is None
    assert topic_of_message("system:announcements", ada) is None
    assert topic_of_message(None, ada) is None
    assert topic_of_message("anything", None) == "system:announcements"
