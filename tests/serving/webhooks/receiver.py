"""A receiver of webhooks on a port of loopback: what it answers, and what it was sent."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Received:
    target: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Receiver:
    """Answers each request with `status` and `more_headers`; after `is_free` only, when that is cleared."""

    status: int = 200
    more_headers: dict[str, str] = field(default_factory=dict)
    garbage: bytes = b""
    connections: int = 0
    received: list[Received] = field(default_factory=list)
    is_free: asyncio.Event = field(default_factory=asyncio.Event)
    port: int = 0

    def url(self, path: str = "/hooks", host: str = "127.0.0.1", scheme: str = "http") -> str:
        return f"{scheme}://{host}:{self.port}{path}"

    @asynccontextmanager
    async def open(self, port: int = 0, certificate: ssl.SSLContext | None = None) -> AsyncIterator[Receiver]:
        self.is_free.set()
        server = await asyncio.start_server(self._serve, "127.0.0.1", port, ssl=certificate)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            self.is_free.set()
            server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
            headers = {
                name.lower(): value for name, _, value in (line.partition(": ") for line in head[1:] if line)
            }
            body = await reader.readexactly(int(headers["content-length"]))
            self.received.append(Received(head[0].split()[1], headers, body))
            await self.is_free.wait()
            more = "".join(f"{name}: {value}\r\n" for name, value in self.more_headers.items())
            answer = f"HTTP/1.1 {self.status} Said\r\nContent-Length: 2\r\n{more}\r\nok".encode()
            writer.write(self.garbage or answer)
            await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            return
        finally:
            writer.close()
