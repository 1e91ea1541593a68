"""Hearing what happens, through every loss of the connection: it comes back with its cursor.

Messages come once and in order. When some of them cannot be had any more, `Resync` comes in their place: read
what you need from the API, and go on.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncGenerator, AsyncIterator
from types import TracebackType
from typing import TYPE_CHECKING, Final
from urllib.parse import urlencode

import httpx
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus

from aurora_client.errors import ApiError
from aurora_client.messages import FromServer, Message, Resync
from aurora_client.pauses import Pauses

if TYPE_CHECKING:
    from aurora_client.session import Session

log = logging.getLogger(__name__)

NOT_LOGGED_IN: Final = 4401
FOR_GOOD: Final = frozenset({400, 403, 404, 422})
"""Statuses that another try does not change."""


class Live:
    """An asynchronous iterator of messages. `cursor` belongs to the last one that was handed out.

    Keep the cursor of a message when you have dealt with it, and give it to `Session.listen` after a restart.
    """

    def __init__(self, session: Session, topics: tuple[str, ...], cursor: str | None, pauses: Pauses) -> None:
        self.cursor = cursor
        self._session = session
        self._topics = topics
        self._pauses = pauses
        self._tries = 0
        self._silence = 60.0
        self._messages: AsyncGenerator[Message | Resync] | None = None

    def __aiter__(self) -> AsyncIterator[Message | Resync]:
        if self._messages is None:
            self._messages = self._listen()
        return self._messages

    async def __aenter__(self) -> Live:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._messages is not None:
            await self._messages.aclose()

    async def _listen(self) -> AsyncGenerator[Message | Resync]:
        while True:
            used = self._session.tokens.access
            at_least = 0.0
            try:
                async with self._connect(used) as socket:
                    async for message in self._hear(socket):
                        yield message
            except InvalidStatus as refusal:
                status, body = refusal.response.status_code, refusal.response.body
                if status in FOR_GOOD:
                    raise ApiError(status, bytes(body or b"")) from refusal
                if status == 401 and await self._renewed(used) and self._tries == 0:
                    self._tries = 1
                    continue
                at_least = _seconds(refusal.response.headers.get("Retry-After"))
            except ConnectionClosed as closed:
                code = closed.rcvd.code if closed.rcvd else 1006
                log.info("connection closed with %s", code)
                if code == NOT_LOGGED_IN and await self._renewed(used):
                    continue
            except (OSError, TimeoutError, InvalidHandshake) as away:
                log.info("connection lost: %s", type(away).__name__)
            await asyncio.sleep(self._pauses.after(self._tries, at_least))
            self._tries += 1

    def _connect(self, access: str) -> connect:
        asked = {"cursor": self.cursor or "", "topics": ",".join(self._topics)}
        query = urlencode({name: value for name, value in asked.items() if value})
        return connect(
            f"ws{self._session.base_url.removeprefix('http')}/api/v1/ws?{query}",
            additional_headers={"Authorization": f"Bearer {access}"},
            compression=None,
            # The heartbeats of the server are enough, and do not mind a consumer that takes its time.
            ping_interval=None,
            open_timeout=10,
            close_timeout=1,
        )

    async def _hear(self, socket: ClientConnection) -> AsyncIterator[Message | Resync]:
        while True:
            async with asyncio.timeout(self._silence):
                message: FromServer = json.loads(await socket.recv())
            if message["type"] == "welcome":
                self._tries = 0
                self._silence = 2 * message["heartbeat_seconds"] + 1
                # With a cursor of our own we keep it until a message has moved it on: a resync may follow.
                self.cursor = self.cursor or message["cursor"]
            elif message["type"] == "message" or message["type"] == "resync":
                self.cursor = message["cursor"]
                yield message
            elif message["type"] == "heartbeat":
                self.cursor = message["cursor"]

    async def _renewed(self, used: str) -> bool:
        """Whether there are new tokens now. LoginRequiredError when there never will be."""
        try:
            await self._session.refresh(used)
        except (httpx.HTTPError, ApiError) as away:
            log.info("tokens cannot be renewed now: %s", type(away).__name__)
            return False
        return True


def _seconds(retry_after: str | None) -> float:
    return float(retry_after) if retry_after and retry_after.isdigit() else 0.0
