"""One attempt: a POST to exactly the addresses that were allowed, and what came of it.

Nothing of the answer but its status is read, told or kept. No redirect is followed, no proxy of the environment is
used, and no connection is used twice.
"""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, cast

import httpcore

from serving.errors import WebhookUrlRefusedError
from serving.webhooks.addresses import Address, AddressRules
from serving.webhooks.destinations import Destination, Resolve, find_addresses, read_destination

Problem = Literal[
    "url-refused", "unreachable", "tls", "time-out", "not-http", "redirected", "status", "unexpected"
]

PROBLEMS: Final[dict[Problem, str]] = {
    "url-refused": "The host has no address, or one that is not on the public internet.",
    "unreachable": "No connection could be made, or it was cut off.",
    "tls": "The certificate is not valid for this host, or no encrypted connection came about.",
    "time-out": "The answer was not there in time.",
    "not-http": "What was answered is not HTTP.",
    "redirected": "The answer was a redirect, which is not followed: change the URL of the webhook.",
    "status": "The answer was none of 200 to 299.",
    "unexpected": "Something went wrong on our side.",
}

CONNECT_SECONDS: Final = 5.0
_USER_AGENT: Final = "AURORA_LIFE-webhooks/1"


@dataclass(frozen=True)
class Answer:
    """What came of an attempt: delivered when there is no problem."""

    status: int | None = None
    problem: Problem | None = None
    retry_after: str | None = None
    duration_ms: int = 0

    @classmethod
    def of(cls, status: int, retry_after: str | None = None) -> Answer:
        problem: Problem | None = (
            None if 200 <= status < 300 else "redirected" if 300 <= status < 400 else "status"
        )
        return cls(status, problem, retry_after)


class Sender:
    """Sends to URLs that strangers named."""

    def __init__(
        self,
        resolve: Resolve,
        rules: AddressRules,
        *,
        timeout_seconds: float,
        certificates: ssl.SSLContext | None = None,
        network: httpcore.AsyncNetworkBackend | None = None,
    ) -> None:
        self._resolve = resolve
        self._rules = rules
        self._timeout_seconds = timeout_seconds
        self._certificates = certificates or ssl.create_default_context()
        # httpcore has a stand-in of that name for who lacks anyio, and its types say so.
        self._network = network or cast("httpcore.AsyncNetworkBackend", httpcore.AnyIOBackend())

    async def send(self, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """Attempt it once. Whatever the receiver does is an answer, not an exception."""
        begun = time.monotonic()
        try:
            async with asyncio.timeout(self._timeout_seconds):
                answer = await self._post(read_destination(url, self._rules), headers, body)
        except Exception as error:
            problem = _problem_of(error)
            if problem is None:
                raise
            answer = Answer(problem=problem)
        return Answer(
            answer.status, answer.problem, answer.retry_after, round((time.monotonic() - begun) * 1000)
        )

    async def _post(self, destination: Destination, headers: Mapping[str, str], body: bytes) -> Answer:
        addresses = await find_addresses(destination, self._resolve, self._rules)
        scheme, host = b"https" if destination.is_encrypted else b"http", destination.host.encode()
        url = httpcore.URL(
            scheme=scheme, host=host, port=destination.port, target=destination.target.encode()
        )
        own = {"User-Agent": _USER_AGENT, "Content-Type": "application/json", "Connection": "close"}
        connection = httpcore.AsyncHTTPConnection(
            url.origin,
            ssl_context=self._certificates,
            network_backend=Pinned(self._network, addresses),
        )
        try:
            async with connection.stream(
                "POST", url, headers=[*own.items(), *headers.items()], content=body
            ) as response:
                given = {name.lower(): value for name, value in response.headers}.get(b"retry-after")
                return Answer.of(response.status, given.decode("latin-1") if given else None)
        finally:
            await connection.aclose()


class Pinned(httpcore.AsyncNetworkBackend):
    """A network in which every name leads to these addresses, the first that answers. TLS still asks for the name."""

    def __init__(self, network: httpcore.AsyncNetworkBackend, addresses: Sequence[Address]) -> None:
        self._network = network
        self._addresses = addresses

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109  # httpcore's own signature
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        del host, timeout
        failure: Exception = httpcore.ConnectError("there is no address")
        for address in self._addresses:
            try:
                return await self._network.connect_tcp(
                    str(address), port, CONNECT_SECONDS, local_address, socket_options
                )
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
        raise failure


def _problem_of(error: Exception) -> Problem | None:
    """What the receiver, or the way to it, has to do with it; None of what is our own mistake."""
    if isinstance(error, WebhookUrlRefusedError):
        return "url-refused"
    if isinstance(error, (TimeoutError, httpcore.TimeoutException)):
        return "time-out"
    if isinstance(error, httpcore.ConnectError) and isinstance(error.__cause__, ssl.SSLError):
        return "tls"
    if isinstance(error, (httpcore.NetworkError, OSError)):
        return "unreachable"
    return "not-http" if isinstance(error, httpcore.ProtocolError) else None
