"""Passwords: bcrypt, off the event loop, a few at a time.

One hash takes a quarter of a second of a core on purpose. Whoever comes when too many wait is sent away with
503 rather than made to wait for minutes.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from functools import cached_property
from typing import TypeVar

from anyio import CapacityLimiter, to_thread
from pwdlib.hashers.bcrypt import BcryptHasher

from serving.errors import PasswordUnacceptableError, ServerBusyError

Result = TypeVar("Result")
MIN_LENGTH = 8
MAX_BYTES = 72
"""bcrypt reads no further."""


def check_password(password: str, username: str) -> None:
    """PasswordUnacceptableError when a new password is too short, too long or too obvious."""
    if len(password) < MIN_LENGTH:
        raise PasswordUnacceptableError(f"a password has at least {MIN_LENGTH} characters")
    if len(password.encode()) > MAX_BYTES:
        raise PasswordUnacceptableError(
            f"a password has at most {MAX_BYTES} bytes (bcrypt reads no further); "
            "letters beyond ASCII take 2 to 4"
        )
    if "\x00" in password:
        raise PasswordUnacceptableError("a password has no NUL characters")
    if password.lower() == username.lower() or len(set(password)) < 3:
        raise PasswordUnacceptableError("this password is too easy to guess")


class Passwords:
    """Hashes and verifies, at most `threads` at once."""

    def __init__(self, cost: int, *, threads: int = 2, queue: int = 32) -> None:
        self._hasher = BcryptHasher(rounds=cost)
        self._threads = threads
        self._queue = queue

    async def hash(self, password: str) -> str:
        return await self._run(self._hasher.hash, password)

    async def verify(self, password: str, stored: str | None) -> bool:
        """Whether the password is the stored one. No stored hash takes as long, and is never right."""
        is_possible = stored is not None and len(password.encode()) <= MAX_BYTES
        known = stored if is_possible and stored is not None else await self._hash_of_nobody()
        is_same = await self._run(self._hasher.verify, password if is_possible else "nobody's", known)
        return is_possible and is_same

    def hash_now(self, password: str) -> str:
        """For the command line, where nothing else waits."""
        return self._hasher.hash(password)

    async def warm_up(self) -> None:
        """Make the hash of nobody before the first login, whose time would show that there was none yet."""
        await self._hash_of_nobody()

    _nobody: str | None = None

    async def _hash_of_nobody(self) -> str:
        if self._nobody is None:
            self._nobody = await self.hash(secrets.token_urlsafe(16))
        return self._nobody

    @cached_property
    def _limiter(self) -> CapacityLimiter:
        # Belongs to the event loop, so it is made inside it.
        return CapacityLimiter(self._threads)

    async def _run(self, function: Callable[..., Result], *arguments: str) -> Result:
        if self._limiter.statistics().tasks_waiting >= self._queue:
            raise ServerBusyError
        return await to_thread.run_sync(function, *arguments, limiter=self._limiter)
