"""Load at a steady rate: requests are due by the clock, whether or not the server keeps up.

A closed loop waits for the answer before it asks again, and so measures a slow server gently. Here the delay of a
request counts from when it was due, so that all who would have waited are seen to wait.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable

from benchmarks.http_load import Client, Load

CONNECTIONS = 64


class _Due:
    """Requests that are due and not yet sent, oldest first, and connections that have nothing to do."""

    def __init__(self, load: Load) -> None:
        self.load = load
        self.waiting: deque[tuple[float, bytes]] = deque()
        self.idle: list[_Connection] = []
        self._open = 0
        self.all_answered = asyncio.Event()

    def add(self, due_at: float, wanted: bytes) -> None:
        self._open += 1
        self.all_answered.clear()
        if self.idle:
            self.idle.pop().send(due_at, wanted)
        else:
            self.waiting.append((due_at, wanted))

    def note_answer(self) -> None:
        self._open -= 1
        if not self._open:
            self.all_answered.set()


class _Connection(Client):
    """Sends what is due, and tells when it was."""

    def __init__(self, due: _Due) -> None:
        super().__init__(lambda: None, due.load)
        self._due = due
        self._due_at = 0.0

    def send(self, due_at: float, wanted: bytes) -> None:
        self._due_at = due_at
        self._transport.write(wanted)

    def connection_lost(self, exc: Exception | None) -> None:
        # A server closes what lay idle for some seconds: nothing may be sent on it any more.
        if self in self._due.idle:
            self._due.idle.remove(self)
        super().connection_lost(exc)

    def _send(self) -> None:
        """After connecting, and after each answer."""
        if self._due_at:
            self._load.delays[-1] = time.perf_counter() - self._due_at
            self._due.note_answer()
        if self._due.waiting:
            self.send(*self._due.waiting.popleft())
        else:
            self._due.idle.append(self)


async def at_a_rate(port: int, per_second: int, seconds: float, make: Callable[[], bytes]) -> Load:
    """`per_second` requests a second for so long, spread evenly; all of them are answered at the end."""
    load = Load(seconds)
    due = _Due(load)
    loop = asyncio.get_running_loop()
    made = [
        await loop.create_connection(lambda: _Connection(due), "127.0.0.1", port) for _ in range(CONNECTIONS)
    ]
    began = time.perf_counter()
    for number in range(int(per_second * seconds)):
        due_at = began + number / per_second
        if (ahead := due_at - time.perf_counter()) > 0:
            await asyncio.sleep(ahead)
        due.add(due_at, make())
    async with asyncio.timeout(30):
        await due.all_answered.wait()
    load.seconds = time.perf_counter() - began
    for transport, _ in made:
        transport.close()
    return load
