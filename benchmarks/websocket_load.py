"""Load for benchmarks: many WebSockets and keep-alive requests from one process, as cheaply as may be."""

from __future__ import annotations

import asyncio
import base64
import os
import statistics
from collections.abc import Callable, Sequence
from types import TracebackType


class Latencies:
    """Seconds, and what is usually asked about them."""

    def __init__(self, seconds: Sequence[float] = ()) -> None:
        self._seconds = list(seconds)

    def __len__(self) -> int:
        return len(self._seconds)

    def add(self, seconds: float) -> None:
        self._seconds.append(seconds)

    def clear(self) -> None:
        self._seconds.clear()

    def at(self, share: float) -> float:
        ordered = sorted(self._seconds)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else float("nan")

    def __str__(self) -> str:
        if not self._seconds:
            return "nothing heard"
        median = statistics.median(self._seconds)
        return (
            f"median {1000 * median:.1f}, p95 {1000 * self.at(0.95):.1f}, p99 {1000 * self.at(0.99):.1f} ms"
        )


class _Socket(asyncio.Protocol):
    """The client's side of one WebSocket: takes unfragmented text, answers pings, sends short text."""

    def __init__(self, request: bytes, hear: Callable[[str], object]) -> None:
        self.opened: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._request = request
        self._hear = hear
        self._data = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment]
        self._write(self._request)

    def data_received(self, data: bytes) -> None:
        self._data += data
        if not self.opened.done():
            head, found, rest = self._data.partition(b"\r\n\r\n")
            if not found:
                return
            if b" 101 " not in head:
                # 429 and 503 pass: a client comes again.
                kind = ConnectionRefusedError if b" 503 " in head or b" 429 " in head else RuntimeError
                self.opened.set_exception(kind(self._data.decode(errors="replace")))
                return
            self._data = rest
            self.opened.set_result(None)
        while len(self._data) >= 2:
            size, start = self._data[1], 2
            if size >= 126:
                start = 4 if size == 126 else 10
                if len(self._data) < start:
                    return
                size = int.from_bytes(self._data[2:start], "big")
            if len(self._data) < start + size:
                return
            kind, body = self._data[0] & 15, self._data[start : start + size]
            self._data = self._data[start + size :]
            if kind == 1:
                self._hear(body.decode())
            elif kind == 9:
                self._send(10, body)

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.opened.done():
            self.opened.set_exception(exc or ConnectionResetError())

    def say(self, text: str) -> None:
        self._send(1, text.encode())

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()

    def _send(self, kind: int, body: bytes) -> None:
        # A mask of zeros leaves the body as it is.
        self._write(bytes([128 | kind, 128 | len(body), 0, 0, 0, 0]) + body)

    def _write(self, data: bytes) -> None:
        if self._transport is not None:
            self._transport.write(data)


class Sockets:
    """Many sockets to one server; `hear` gets every text."""

    def __init__(self, host: str, port: int, hear: Callable[[str], object]) -> None:
        self._host, self._port, self._hear = host, port, hear
        self._open: list[_Socket] = []

    async def open(self, wanted: Sequence[tuple[str, dict[str, str]]], *, at_once: int = 20) -> None:
        """Connect to these paths with these headers; returns when all of them are open."""
        gate = asyncio.Semaphore(at_once)

        async def connect(path: str, headers: dict[str, str]) -> None:
            async with gate:
                for _ in range(9):
                    try:
                        self._open.append(await self._connect(path, headers))
                        return
                    except ConnectionRefusedError:
                        await asyncio.sleep(1)
                self._open.append(await self._connect(path, headers))

        await asyncio.gather(*(connect(path, headers) for path, headers in wanted))

    async def _connect(self, path: str, headers: dict[str, str]) -> _Socket:
        request = self._request(path, headers)
        _, socket = await asyncio.get_running_loop().create_connection(
            lambda: _Socket(request, self._hear), self._host, self._port
        )
        await socket.opened
        return socket

    def say(self, text: str) -> None:
        self._open[0].say(text)

    def close(self) -> None:
        for socket in self._open:
            socket.close()

    def _request(self, path: str, headers: dict[str, str]) -> bytes:
        fields = {
            "Host": f"{self._host}:{self._port}",
            "Upgrade": "websocket",
            "Connection": "Upgrade",
            "Sec-WebSocket-Key": base64.b64encode(os.urandom(16)).decode(),
            "Sec-WebSocket-Version": "13",
            **headers,
        }
        lines = [f"GET {path} HTTP/1.1", *(f"{name}: {value}" for name, value in fields.items())]
        return ("\r\n".join(lines) + "\r\n\r\n").encode()


class Requests:
    """Requests over a few connections that are kept open."""

    def __init__(self, host: str, port: int, *, connections: int = 1) -> None:
        self._host, self._port, self._count = host, port, connections
        self._free: asyncio.Queue[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = asyncio.Queue()

    async def __aenter__(self) -> Requests:
        for _ in range(self._count):
            self._free.put_nowait(await asyncio.open_connection(self._host, self._port))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        while not self._free.empty():
            self._free.get_nowait()[1].close()

    async def send(self, method: str, path: str, token: str = "", body: bytes = b"") -> tuple[int, bytes]:
        """Status and body of the answer."""
        reader, writer = await self._free.get()
        writer.write(
            f"{method} {path} HTTP/1.1\r\nHost: {self._host}\r\nAuthorization: Bearer {token}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n".encode()
            + body
        )
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
        length = int(head.partition("content-length:")[2].split("\r\n")[0])
        answer = await reader.readexactly(length)
        self._free.put_nowait((reader, writer))
        return int(head.split(" ", 2)[1]), answer
