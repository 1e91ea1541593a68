"""The WebSocket over a real server: who gets in, what they hear, and when they have to go."""

from __future__ import annotations

import asyncio
import json
import logging
import pickle
import uuid
from collections.abc import AsyncIterator

import httpx
import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus

from aurora.notices.log import EVERYBODY
from aurora.settings import Settings
from serving.live.topics import ANNOUNCEMENTS, topic_of, wanted_subjects
from serving.protocol import protocol
from tests.serving.conftest import Account, an_address, log_in, quick
from tests.serving.live_server import Server, a_long_notice, hear, hear_until_closed, number_of, numbered


@pytest.fixture(scope="module")
async def server(settings: Settings) -> AsyncIterator[Server]:
    async with Server(settings, quick(sockets_per_person=3, look_seconds=60)).run() as server:
        yield server


@pytest.fixture(scope="module")
async def http(server: Server) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=server.url) as client:
        yield client


@pytest.fixture
async def ada(http: httpx.AsyncClient) -> Account:
    return await log_in(http)


async def test_a_person_hears_their_own_topics(server: Server, ada: Account) -> None:
    async with server.socket(ada) as socket:
        welcome = await hear(socket)
        await server.teller.tell(ada.user_id, numbered(7))
        message = await hear(socket)

    assert welcome["type"] == "welcome"
    assert set(welcome["topics"]) == {
        *(f"user:{ada.user_id}:{subject}" for subject in ("events", "predictions", "insights", "scores")),
        "system:announcements",
    }
    assert message["type"] == "message"
    assert message["topic"] == f"user:{ada.user_id}:insights"
    assert number_of(message) == 7


async def test_nobody_hears_or_gets_the_topics_of_another(
    server: Server, http: httpx.AsyncClient, ada: Account
) -> None:
    bo = await log_in(http)
    async with server.socket(bo) as socket:
        await hear(socket)
        await socket.send(json.dumps({"action": "subscribe", "topics": [f"user:{ada.user_id}:events"]}))
        refused = await hear(socket)
        await server.teller.tell(ada.user_id, numbered(1))
        await server.teller.tell(bo.user_id, numbered(2))
        heard = await hear(socket)
    with pytest.raises(InvalidStatus) as closed_door:
        await server.socket(bo, f"?topics=user:{ada.user_id}:events")

    assert (refused["type"], refused["code"]) == ("error", "topic-forbidden")
    assert (heard["topic"], number_of(heard)) == (f"user:{bo.user_id}:insights", 2)
    assert closed_door.value.response.status_code == 422


async def test_announcements_reach_everybody(server: Server, http: httpx.AsyncClient, ada: Account) -> None:
    async with server.socket(ada) as hers, server.socket(await log_in(http)) as his:
        for socket in (hers, his):
            await hear(socket)
        await server.teller.announce("maintenance at noon")
        heard = [await hear(hers), await hear(his)]

    assert [(message["topic"], message["text"]) for message in heard] == [
        (ANNOUNCEMENTS, "maintenance at noon")
    ] * 2


async def test_sockets_that_open_at_the_same_moment_hear_at_once(server: Server, ada: Account) -> None:
    opened = await asyncio.gather(*(server.socket(ada) for _ in range(3)))
    for socket in opened:
        await hear(socket)
    await asyncio.sleep(0.3)
    await server.teller.tell(ada.user_id, numbered(1))
    # Long before the next look: somebody has knocked, and somebody has listened.
    heard = [number_of(await hear(socket, 2)) for socket in opened]
    for socket in opened:
        await socket.close()

    assert heard == [1, 1, 1]


async def test_a_topic_can_be_left_and_taken_again(server: Server, ada: Account) -> None:
    insights = f"user:{ada.user_id}:insights"
    async with server.socket(ada) as socket:
        await hear(socket)
        await socket.send(json.dumps({"action": "unsubscribe", "topics": [insights]}))
        left = await hear(socket)
        await server.teller.tell(ada.user_id, numbered(1), a_long_notice())
        heard = await hear(socket)
        await socket.send(json.dumps({"action": "subscribe", "topics": ["insights"]}))
        taken = await hear(socket)

    assert insights not in left["topics"]
    assert heard["topic"] == f"user:{ada.user_id}:events"
    assert insights in taken["topics"]


async def test_a_socket_hears_the_topics_it_names(server: Server, ada: Account) -> None:
    async with server.socket(ada, "?topics=events,announcements") as socket:
        welcome = await hear(socket)
        await server.teller.tell(ada.user_id, numbered(1), a_long_notice())
        heard = await hear(socket)

    assert welcome["topics"] == ["system:announcements", f"user:{ada.user_id}:events"]
    assert heard["subject"] == "events"


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


async def test_a_slow_consumer_is_dropped_with_a_code_that_says_so_and_the_others_hear_on(
    settings: Settings,
) -> None:
    options = quick(socket_buffer_bytes=131_072, socket_send_seconds=60)
    async with Server(settings, options).run() as server, httpx.AsyncClient(base_url=server.url) as http:
        ada = await log_in(http)
        # Reads nothing: its window and our buffers fill up. It would not read the answers to its own pings either.
        slow = await server.socket(ada, max_queue=1, ping_interval=None)
        async with server.socket(ada) as quick_one:
            await hear(quick_one)
            heard = 0
            while not slow_is_out(server, ada):
                await server.teller.tell(ada.user_id, *(a_long_notice() for _ in range(20)))
                for _ in range(20):
                    heard += (await hear(quick_one))["type"] == "message"
            # The slow one wakes up and finds what was under way, then the end.
            got = sum(frame["type"] == "message" for frame in await hear_until_closed(slow))

    assert slow.close_code == 4408
    assert "slow" in (slow.close_reason or "")
    assert 0 < got <= heard


def slow_is_out(server: Server, account: Account) -> bool:
    hub = server.app.state.resources.hub
    return hub._feeds[uuid.UUID(account.user_id)].holders == 1


async def test_a_consumer_that_never_reads_is_cut_off(settings: Settings) -> None:
    options = quick(socket_buffer_bytes=10_000_000, socket_send_seconds=0.3)
    async with Server(settings, options).run() as server, httpx.AsyncClient(base_url=server.url) as http:
        ada = await log_in(http)
        stuck = await server.socket(ada, max_queue=1, ping_interval=None)
        async with asyncio.timeout(20):
            while uuid.UUID(ada.user_id) in server.app.state.resources.hub._feeds:
                await server.teller.tell(ada.user_id, *(a_long_notice() for _ in range(20)))
        await asyncio.sleep(0.6)
        await hear_until_closed(stuck)

    assert stuck.close_code == 1006  # nothing waits for it any more, not even a last word


async def test_knocking_without_a_ticket_is_limited(settings: Settings) -> None:
    statuses, address = [], an_address()
    async with Server(settings, quick(anonymous_per_minute=4)).run() as server:
        for _ in range(6):
            with pytest.raises(InvalidStatus) as refused:
                await server.socket(None, "?ticket=guessed", local_addr=(address, 0))
            statuses.append(refused.value.response.status_code)

    assert statuses[-1] == 429
    assert 401 in statuses


async def test_the_log_of_the_process_holds_no_ticket(
    server: Server, http: httpx.AsyncClient, ada: Account, caplog: pytest.LogCaptureFixture
) -> None:
    ticket = (await http.post("/api/v1/ws/tickets", headers=ada.headers)).json()["ticket"]
    with caplog.at_level(logging.INFO):
        async with server.socket(None, f"?ticket={ticket}") as socket:
            await hear(socket)

    assert ticket not in caplog.text


async def test_the_heartbeat_carries_the_cursor(settings: Settings) -> None:
    async with Server(settings, quick(heartbeat_seconds=0.1)).run() as server:
        async with httpx.AsyncClient(base_url=server.url) as http:
            ada = await log_in(http)
        async with server.socket(ada, "?topics=events") as socket:
            first = (await hear(socket))["cursor"]
            await server.teller.tell(ada.user_id, numbered(1))
            beats = [await hear(socket) for _ in range(4)]

    assert {beat["type"] for beat in beats} == {"heartbeat"}
    # What this socket did not want to hear is behind it all the same.
    assert beats[-1]["cursor"] != first


async def test_when_the_server_stops_it_says_so(settings: Settings) -> None:
    server = Server(settings, quick())
    async with server.run(), httpx.AsyncClient(base_url=server.url) as http:
        socket = await server.socket(await log_in(http))
        await hear(socket)

    with pytest.raises(ConnectionClosed) as closed:
        await hear(socket)
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 1012


def test_uvicorn_can_hand_its_arguments_to_several_workers() -> None:
    arguments = protocol(quick())

    assert pickle.loads(pickle.dumps(arguments)) == arguments  # noqa: S301  # our own


def test_a_topic_follows_from_the_line_and_the_subject() -> None:
    ada, bo = uuid.UUID(int=1), uuid.UUID(int=2)

    assert topic_of(ada, "scores") == f"user:{ada}:scores"
    assert topic_of(ada, "announcements") is None
    assert topic_of(EVERYBODY, "announcements") == "system:announcements"
    assert topic_of(EVERYBODY, "scores") is None
    assert wanted_subjects(ada, ["scores", f"user:{ada}:events"]) == {"scores", "events"}
    assert wanted_subjects(ada, [f"user:{bo}:events"]) is None
