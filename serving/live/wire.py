"""uvicorn's WebSocket, with what ASGI cannot say: write at once, is there room, and end now.

Sending through ASGI waits for as long as the peer does not read, also for the frame that closes. Here nothing
waits: what is pushed goes into the transport's buffer, and who lets the buffer grow, or stand still, is
closed with a code that says so, and cut off when they do not even take that.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Any, Final, cast

from starlette.types import Scope
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.exceptions import InvalidState
from websockets.http11 import Request

from serving.live.metrics import SOCKETS_CLOSED
from serving.options import DEFAULT_BUFFER_BYTES, DEFAULT_SEND_SECONDS, ApiOptions

SLOW_CONSUMER: Final = 4408
PEER_GONE: Final = 1011

_HANDLE: Final = "aurora.wire"


class Wire(WebSocketsSansIOProtocol):
    """One connection. uvicorn makes it and knows no options of ours: `obey` brings them."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # uvicorn writes the whole address of each connection into the log, with ticket and cursor.
        self.logger = _LOGGER
        self._stuck: asyncio.TimerHandle | None = None
        self._most_waiting = DEFAULT_BUFFER_BYTES
        self._patience = DEFAULT_SEND_SECONDS

    def obey(self, options: ApiOptions) -> None:
        """How much may wait for the peer, and for how long."""
        self._most_waiting = options.socket_buffer_bytes
        self._patience = options.socket_send_seconds

    def handle_connect(self, event: Request) -> None:
        super().handle_connect(event)
        if self.response is not None and self.response.status_code == 101:
            cast("dict[str, Any]", self.scope)["extensions"][_HANDLE] = self

    def forget_handshake(self) -> None:
        """Let go of what the client said when it came: kilobytes that nobody reads again."""
        self.request = self.response = None
        cast("dict[str, Any]", self.scope).clear()

    @property
    def is_gone(self) -> bool:
        return self.close_sent or self.disconnected or self.transport.is_closing()

    def push(self, text: str) -> None:
        """Send now. Who has let too much wait is dropped instead."""
        if self.is_gone:
            return
        try:
            self.conn.send_text(text.encode())
        except InvalidState:
            return  # the peer has begun to close
        self.transport.write(b"".join(self.conn.data_to_send()))
        if self.transport.get_write_buffer_size() > self._most_waiting:
            self.end(SLOW_CONSUMER, "too slow: too much was waiting")

    async def room(self) -> None:
        """Wait until the peer has taken most of what was pushed, or is gone."""
        await self.writable.wait()

    def end(self, code: int, reason: str) -> None:
        """Close, behind whatever still waits; cut the peer off when it does not take it in time."""
        if self.is_gone:
            return
        SOCKETS_CLOSED.labels(str(code)).inc()
        self.stop_keepalive()
        self.queue.put_nowait({"type": "websocket.disconnect", "code": code, "reason": reason})
        self.conn.send_close(code, reason)
        self.transport.write(b"".join(self.conn.data_to_send()))
        self.close_sent = True
        if self.read_paused:
            self.read_paused = False
            self.transport.resume_reading()
        self.close_timer = self.loop.call_later(self._patience, self.transport.abort)

    def pause_writing(self) -> None:
        super().pause_writing()
        self._stuck = self.loop.call_later(
            self._patience,
            self.end,
            SLOW_CONSUMER,
            "too slow: messages were not taken in time",
        )

    def resume_writing(self) -> None:
        self._forget_stuck()
        super().resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        self._forget_stuck()
        super().connection_lost(exc)

    def keepalive_timeout(self) -> None:
        # uvicorn would wait for ever until a peer that is gone takes what is in the buffer.
        self.pong_timer = None
        self.end(PEER_GONE, "keepalive ping timeout")

    def _forget_stuck(self) -> None:
        if self._stuck is not None:
            self._stuck.cancel()
            self._stuck = None


_LOGGER: Final = logging.getLogger("aurora.live")
_LOGGER.setLevel(logging.WARNING)


def wire_of(scope: Scope) -> Wire:
    """The connection behind an ASGI scope; RuntimeError when another server than ours runs the application."""
    wire = scope.get("extensions", {}).get(_HANDLE)
    if not isinstance(wire, Wire):
        raise RuntimeError("the WebSocket needs uvicorn with the arguments of serving.protocol")
    return wire
