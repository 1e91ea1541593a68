"""Destinations: from a webhook's URL to the addresses that are spoken to, or to the reason why none of them is.

The URL is read once, by the rules of the WHATWG, which browsers have too: every other way to write an address (decimal,
octal, hex, fullwidth digits, shortened) has become an address by then. The name is looked up once for each attempt,
and exactly what was found and allowed is connected to: a name that answers otherwise a moment later changes nothing.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Final

from pydantic_core import Url, ValidationError

from serving.errors import WebhookUrlRefusedError
from serving.webhooks.addresses import Address, AddressRules

Resolve = Callable[[str, int], Awaitable[Sequence[Address]]]
"""The addresses of a host; OSError when there are none."""

CHECK_SECONDS: Final = 4.0

# One sentence for both: whether a name exists inside of our network is nobody's business.
_NOWHERE: Final = (
    "the host of this URL has no address, or one that is not on the public internet; "
    "check its name in DNS, and try again in a moment if it is right"
)


@dataclass(frozen=True)
class Destination:
    """A URL that has the form of a webhook's. Where its host leads is not known yet."""

    url: str
    is_encrypted: bool
    host: str
    port: int
    target: str


def read_destination(url: str, rules: AddressRules) -> Destination:
    """The parts of a URL; WebhookUrlRefusedError when it cannot be that of a webhook."""
    try:
        parts = Url(url)
    except ValidationError:
        raise WebhookUrlRefusedError("this is not a URL such as https://example.org/hooks") from None
    is_encrypted = parts.scheme == "https"
    if not is_encrypted and not (parts.scheme == "http" and rules.private_networks):
        raise WebhookUrlRefusedError("the URL of a webhook begins with https://")
    if parts.username is not None or parts.password is not None:
        raise WebhookUrlRefusedError("the URL holds a user name or password; verify the signature instead")
    if parts.fragment is not None:
        raise WebhookUrlRefusedError("a URL with a # is for browsers: leave that part away")
    host, port = (parts.host or "").rstrip("."), parts.port or 0
    address = _literal(host)
    if not host or (address is not None and not rules.is_own(address)):
        raise WebhookUrlRefusedError("the URL needs the name of a host, not an address")
    if port not in rules.ports and not rules.private_networks:
        allowed = " or ".join(str(port) for port in sorted(rules.ports))
        raise WebhookUrlRefusedError(f"a webhook has port {allowed}")
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query is not None else "")
    return Destination(str(parts), is_encrypted, host, port, target)


async def find_addresses(
    destination: Destination, resolve: Resolve, rules: AddressRules
) -> Sequence[Address]:
    """All addresses of the host; WebhookUrlRefusedError when there are none, or one of them may not be spoken to."""
    literal = _literal(destination.host)
    try:
        found = [literal] if literal else await resolve(destination.host, destination.port)
    except OSError:
        found = []
    port, is_encrypted = destination.port, destination.is_encrypted
    if not found or not all(rules.allow(each, port=port, is_encrypted=is_encrypted) for each in found):
        raise WebhookUrlRefusedError(_NOWHERE)
    return found


class Resolver:
    """Looks names up as the system does, in threads of its own.

    Nobody can break off a look-up. Names whose servers are slow to answer keep these threads, and no others, busy.
    """

    def __init__(self, threads: int) -> None:
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="webhook-names")

    async def __call__(self, host: str, port: int) -> Sequence[Address]:
        found = await asyncio.get_running_loop().run_in_executor(
            self._threads, lambda: socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        )
        return list(dict.fromkeys(ip_address(address[0]) for *_, address in found))

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)


@dataclass(frozen=True)
class Destinations:
    """For early words: whether a URL could be delivered to now. Each attempt finds out anew."""

    resolve: Resolve
    rules: AddressRules

    async def check(self, url: str) -> str:
        """The URL as it will be used; WebhookUrlRefusedError when nothing would be sent there."""
        destination = read_destination(url, self.rules)
        try:
            async with asyncio.timeout(CHECK_SECONDS):
                await find_addresses(destination, self.resolve, self.rules)
        except TimeoutError:
            raise WebhookUrlRefusedError(_NOWHERE) from None
        return destination.url


def _literal(host: str) -> Address | None:
    try:
        return ip_address(host.strip("[]"))
    except ValueError:
        return None
