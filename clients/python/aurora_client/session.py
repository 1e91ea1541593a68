"""A login: its tokens, requests that renew them, and the way to `Live`."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from types import TracebackType
from typing import Any, NamedTuple

import httpx

from aurora_client.errors import ApiError, LoginRequiredError
from aurora_client.live import Live
from aurora_client.pauses import Pauses


class Tokens(NamedTuple):
    """A refresh token works once: keep the new pair whenever there is one."""

    access: str
    refresh: str


class Session:
    """Talks to one API as one person. Use it with `async with`, from one event loop."""

    def __init__(
        self, base_url: str, tokens: Tokens, *, on_tokens: Callable[[Tokens], None] = lambda _: None
    ) -> None:
        self.base_url = base_url.rstrip("/")
        self.tokens = tokens
        self._on_tokens = on_tokens
        self._http = httpx.AsyncClient(base_url=self.base_url, timeout=10)
        self._refreshing = asyncio.Lock()

    @classmethod
    async def log_in(cls, base_url: str, username: str, password: str, **options: Any) -> Session:
        """A session for a user name and password; ApiError when they are wrong."""
        session = cls(base_url, Tokens("", ""), **options)
        try:
            wanted = {"username": username, "password": password}
            session._take(await session._http.post("/api/v1/auth/login", json=wanted))
        except BaseException:
            await session.aclose()
            raise
        return session

    async def request(self, method: str, path: str, **options: Any) -> Any:
        """The JSON of an answer, or None when it has no body; ApiError when it is a refusal.

        Renews the tokens when it has to.
        """
        used = self.tokens.access
        answer = await self._send(method, path, **options)
        if answer.status_code == 401:
            await self.refresh(used)
            answer = await self._send(method, path, **options)
        if answer.is_error:
            raise ApiError(answer.status_code, answer.content)
        return answer.json() if answer.content else None

    async def refresh(self, used: str) -> None:
        """New tokens in place of the access token that was `used`; LoginRequiredError when there are none.

        Whoever comes second finds them renewed: a refresh token must not be used twice.
        """
        async with self._refreshing:
            if self.tokens.access != used:
                return
            answer = await self._http.post(
                "/api/v1/auth/refresh", json={"refresh_token": self.tokens.refresh or "none"}
            )
            if answer.status_code in {401, 422}:
                raise LoginRequiredError(str(ApiError(answer.status_code, answer.content)))
            self._take(answer)

    def listen(
        self, topics: Iterable[str] = (), *, cursor: str | None = None, pauses: Pauses | None = None
    ) -> Live:
        """What happens, as it happens: from now on, or from a cursor. All topics, or these."""
        return Live(self, tuple(topics), cursor, pauses or Pauses())

    async def aclose(self) -> None:
        await self._http.aclose()

    async def __aenter__(self) -> Session:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def _send(self, method: str, path: str, **options: Any) -> httpx.Response:
        headers = {**options.pop("headers", {}), "Authorization": f"Bearer {self.tokens.access}"}
        return await self._http.request(method, path, headers=headers, **options)

    def _take(self, answer: httpx.Response) -> None:
        if answer.is_error:
            raise ApiError(answer.status_code, answer.content)
        body = answer.json()
        self.tokens = Tokens(body["access_token"], body["refresh_token"])
        self._on_tokens(self.tokens)
