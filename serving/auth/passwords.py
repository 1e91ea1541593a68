"""Passwords: bcrypt, off the event loop, a few at a time.

One hash takes a quarter of a second of a core on purpose. Whoever comes when too many wait is sent away with
503 rather than made to wait for minutes.

To verify takes as long for a hash of any cost, and for nobody: as long as the hardest that is stored. Each cost doubles
the work, so after a hash of cost 10 one of 10 and one of 11 make it that of 12.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Final, TypeVar

from anyio import CapacityLimiter, to_thread
from pwdlib.hashers.bcrypt import BcryptHasher

from serving.auth.password_rules import MAX_BYTES
from serving.errors import ServerBusyError

Result = TypeVar("Result")
MAX_COST: Final = 16
"""One hash takes four seconds. A stored one that says more is none of ours."""


class Passwords:
    """Hashes and verifies, at most `threads` at once."""

    def __init__(self, cost: int, *, threads: int = 2, queue: int = 32) -> None:
        self._hasher = BcryptHasher(rounds=cost)
        self._cost = cost
        self._threads = threads
        self._most = threads + queue
        self._begun = 0

    async def hash(self, password: str) -> str:
        return await self._run(self._hasher.hash, password)

    async def verify(self, password: str, stored: str | None, *, hardest: str | None = None) -> bool:
        """Whether the password is the stored one. `hardest` is the highest cost of all that are stored."""
        cost = _cost(stored[4:6]) if stored is not None and self._hasher.identify(stored) else None
        goal = max(self._cost, cost or 0, _cost(hardest) or 0)
        if stored is None or cost is None or len(password.encode()) > MAX_BYTES:
            await self._run(self._verify, "nobody's", _hash_of_nobody(goal), goal, goal)
            return False
        return await self._run(self._verify, password, stored, cost, goal)

    async def renewed(self, password: str, stored: str) -> str | None:
        """A hash of the cost that is configured, of a password that is right; None when the stored one has it."""
        return await self.hash(password) if self._hasher.check_needs_rehash(stored) else None

    def hash_now(self, password: str) -> str:
        """For the command line, where nothing else waits."""
        return self._hasher.hash(password)

    def _verify(self, password: str, stored: str, cost: int, goal: int) -> bool:
        is_right = self._hasher.verify(password, stored)
        for missing in range(cost, goal):
            self._hasher.verify(password, _hash_of_nobody(missing))
        return is_right

    @cached_property
    def _limiter(self) -> CapacityLimiter:
        # Belongs to the event loop, so it is made inside it.
        return CapacityLimiter(self._threads)

    async def _run(self, function: Callable[..., Result], *arguments: object) -> Result:
        if self._begun >= self._most:
            raise ServerBusyError
        # Counted here: the limiter knows of who waits only a turn of the loop later, when many may have come.
        self._begun += 1
        try:
            return await to_thread.run_sync(function, *arguments, limiter=self._limiter)
        finally:
            self._begun -= 1


def _cost(digits: str | None) -> int | None:
    """The cost that a hash names; None when it is no hash of ours."""
    cost = int(digits) if digits is not None and digits.isdecimal() else 0
    return cost if 4 <= cost <= MAX_COST else None


def _hash_of_nobody(cost: int) -> str:
    """What no password is known to fit, and any takes the time of this cost to be compared with."""
    return f"$2b${cost:02}${'.' * 53}"
