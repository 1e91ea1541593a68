"""One open socket: what it is subscribed to, what waits to be sent, and when it has to go.

A slow consumer must not make the others wait or memory grow: its queue is bounded, and who lets it overflow,
or does not take a message in time, is dropped with code 4408.
"""

from __future__ import annotations

import asyncio
import json
from typing import Any, Final

from fastapi import WebSocket, WebSocketDisconnect

from serving.auth.tokens import AccessToken
from serving.live.topics import topics_of

SLOW_CONSUMER: Final = 4408
NOT_LOGGED_IN: Final = 4401
GOING_AWAY: Final = 1012


class Socket:
    """A connection of one person."""

    def __init__(self, websocket: WebSocket, token: AccessToken, *, queue: int, send_seconds: float) -> None:
        self.token = token
        self.allowed = topics_of(token.user_id)
        self.topics: set[str] = set(self.allowed)
        self._websocket = websocket
        self._waiting: asyncio.Queue[str] = asyncio.Queue(queue)
        self._send_seconds = send_seconds
        self._ended: asyncio.Future[tuple[int, str]] = asyncio.get_running_loop().create_future()

    def offer(self, topic: str, text: str) -> None:
        """Put a message in the queue if this socket wants its topic."""
        if topic in self.topics:
            self.put(text)

    def put(self, text: str) -> None:
        try:
            self._waiting.put_nowait(text)
        except asyncio.QueueFull:
            self.end(SLOW_CONSUMER, "too slow: messages were waiting")

    def end(self, code: int, reason: str) -> None:
        """Close as soon as may be; what still waits is not sent."""
        if not self._ended.done():
            self._ended.set_result((code, reason))

    async def run(self, *, heartbeat_seconds: float, lifetime_seconds: float) -> None:
        """Serve until the client leaves, the token ends, or somebody calls `end`."""
        jobs = [
            asyncio.create_task(self._send()),
            asyncio.create_task(self._receive()),
            asyncio.create_task(self._beat(heartbeat_seconds)),
        ]
        expiry = asyncio.get_running_loop().call_later(
            max(0.0, lifetime_seconds), self.end, NOT_LOGGED_IN, "the access token has expired"
        )
        try:
            await asyncio.wait([self._ended, *jobs], return_when=asyncio.FIRST_COMPLETED)
        finally:
            expiry.cancel()
            for job in jobs:
                job.cancel()
            await asyncio.gather(*jobs, return_exceptions=True)
        if self._ended.done():
            code, reason = self._ended.result()
            await self._close(code, reason)

    async def _close(self, code: int, reason: str) -> None:
        try:
            async with asyncio.timeout(self._send_seconds):
                await self._websocket.close(code, reason)
        except (TimeoutError, RuntimeError, WebSocketDisconnect):
            return  # it is gone already

    async def _send(self) -> None:
        while True:
            text = await self._waiting.get()
            try:
                async with asyncio.timeout(self._send_seconds):
                    await self._websocket.send_text(text)
            except TimeoutError:
                self.end(SLOW_CONSUMER, "too slow: a message was not taken in time")
                return

    async def _beat(self, seconds: float) -> None:
        while True:
            await asyncio.sleep(seconds)
            self.put(json.dumps({"type": "heartbeat"}))

    async def _receive(self) -> None:
        while True:
            try:
                text = await self._websocket.receive_text()
            except (WebSocketDisconnect, RuntimeError):
                return
            except KeyError:  # a binary frame
                self.put(problem("frames-are-text", "send JSON as text"))
                continue
            self.put(self._answer(text))

    def _answer(self, text: str) -> str:
        try:
            message: Any = json.loads(text)
            action, topics = message["action"], set(message.get("topics", []))
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
            return problem("message-unreadable", 'send {"action": "subscribe", "topics": ["…"]}')
        if action == "ping":
            return json.dumps({"type": "pong"})
        if not topics <= self.allowed:
            return problem(
                "topic-forbidden", "at least one of these topics is not yours; nothing was changed"
            )
        if action == "subscribe":
            self.topics |= topics
        elif action == "unsubscribe":
            self.topics -= topics
        else:
            return problem("action-unknown", "actions are subscribe, unsubscribe and ping")
        return json.dumps({"type": "subscribed", "topics": sorted(self.topics)})


def problem(code: str, detail: str) -> str:
    """An error, told over the socket."""
    return json.dumps({"type": "error", "code": code, "detail": detail})
