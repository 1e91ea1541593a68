"""A small HTTP/1.1 client for load: keep-alive connections, bytes made by the caller, no more work than needed.

A benchmark of a server on two cores must not measure its client: httpx costs ten times as much as what it asks.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass
class Load:
    """What a round of load saw."""

    seconds: float
    statuses: Counter[int] = field(default_factory=Counter)
    delays: list[float] = field(default_factory=list)

    @property
    def per_second(self) -> float:
        return sum(self.statuses.values()) / self.seconds

    def delay(self, share: float) -> float:
        """The delay in seconds that this share of the requests kept to."""
        ordered = sorted(self.delays)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))]

    def must_be(self, status: int) -> Load:
        """RuntimeError unless every answer had this status: a fast error is not speed."""
        if set(self.statuses) != {status}:
            raise RuntimeError(f"not all answers were {status}: {dict(self.statuses)}")
        return self


def request(
    path: str, body: bytes, *, token: str = "", media_type: str = "application/json", more: str = ""
) -> bytes:
    """One POST as it goes over the wire."""
    about = f"Content-Type: {media_type}\r\nContent-Length: {len(body)}\r\n{more}"
    return _head("POST", path, token, about) + body


def get(path: str, *, token: str = "") -> bytes:
    """One GET as it goes over the wire."""
    return _head("GET", path, token, "")


def _head(method: str, path: str, token: str, more: str) -> bytes:
    authorization = f"Authorization: Bearer {token}\r\n" if token else ""
    return f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n{authorization}{more}\r\n".encode()


class Client(asyncio.Protocol):
    """One connection that sends the next request as soon as the answer to the last one is complete."""

    def __init__(self, next_request: Callable[[], bytes | None], load: Load) -> None:
        self._next_request, self._load = next_request, load
        self._held = bytearray()
        self._sent_at = 0.0
        self.last_body = b""
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport: asyncio.Transport = transport  # type: ignore[assignment]  # TCP is a full transport
        self._send()

    def _send(self) -> None:
        wanted = self._next_request()
        if wanted is None:
            self._transport.close()
            return
        self._sent_at = time.perf_counter()
        self._transport.write(wanted)

    def data_received(self, data: bytes) -> None:
        self._held += data
        end = self._held.find(b"\r\n\r\n")
        if end < 0:
            return
        head = bytes(self._held[:end]).lower()
        at = head.find(b"content-length:")
        length = int(head[at + 15 :].split(b"\r\n", 1)[0]) if at >= 0 else 0
        if len(self._held) < end + 4 + length:
            return
        self.last_body = bytes(self._held[end + 4 : end + 4 + length])
        del self._held[: end + 4 + length]
        self._load.statuses[int(head[9:12])] += 1
        self._load.delays.append(time.perf_counter() - self._sent_at)
        self._send()

    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        if not self.done.done():
            self.done.set_result(None)


async def hammer(port: int, clients: int, seconds: float, make: Callable[[int], bytes]) -> Load:
    """`clients` connections send what `make(client)` gives, each one at a time, for so long."""
    load = Load(seconds)
    began = time.perf_counter()

    def next_of(client: int) -> Callable[[], bytes | None]:
        return lambda: make(client) if time.perf_counter() - began < seconds else None

    loop = asyncio.get_running_loop()
    made = [
        await loop.create_connection(lambda number=number: Client(next_of(number), load), "127.0.0.1", port)
        for number in range(clients)
    ]
    await asyncio.gather(*(protocol.done for _, protocol in made))
    load.seconds = time.perf_counter() - began
    return load
