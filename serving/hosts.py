"""Which names the API answers to: a request that came by another one is not for it.

A page of an attacker can have its name lead to a machine that its visitor reaches (DNS rebinding); the browser then
sends that name in `Host`. And whoever makes addresses out of `Host` tells them to others.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Final
from urllib.parse import urlsplit

from serving.errors import HostUnknownError

Header = tuple[bytes, bytes]

_PORT: Final = re.compile(rb":\d{1,5}")


class Hosts:
    """Knows the hosts of the API by their names, without a port: it may lie behind another one."""

    def __init__(self, names: Iterable[str], public_url: str = "") -> None:
        """Besides these names that of the public URL, if there is one."""
        public = urlsplit(public_url).hostname
        given = [*names, f"[{public}]" if public and ":" in public else public or ""]
        self._names = frozenset(name.strip().lower().encode() for name in given) - {b""}

    def check(self, headers: Mapping[bytes, bytes], sent: Sequence[Header]) -> None:
        """HostUnknownError unless these headers, which were `sent`, have one `Host`, and it is one of ours."""
        host = headers.get(b"host", b"").lower()
        if host not in self._names and not self._is_with_port(host):
            raise HostUnknownError
        # Fewer than were sent: some came twice. Whoever else reads them may go by the other one.
        if len(headers) < len(sent) and sum(name == b"host" for name, _ in sent) > 1:
            raise HostUnknownError

    def _is_with_port(self, host: bytes) -> bool:
        name, colon, port = host.rpartition(b":")
        return name in self._names and _PORT.fullmatch(colon + port) is not None
