"""The id of a request: the client's own when it looks like one, else a new one. In every answer and log line."""

from __future__ import annotations

import re
from contextvars import ContextVar
from typing import Final
from uuid import uuid4

REQUEST_ID: Final[ContextVar[str | None]] = ContextVar("request_id", default=None)
"""Of the request that is being answered."""

# 32 hexadecimal digits, as proxies and trace ids have them, or the same written as a UUID.
_LIKE_ONE: Final = re.compile(
    rb"[0-9a-fA-F]{8}(-?)[0-9a-fA-F]{4}\1[0-9a-fA-F]{4}\1[0-9a-fA-F]{4}\1[0-9a-fA-F]{12}"
)


def request_id_of(given: bytes | None) -> str:
    """The id that the client gave, or a new one where it gave none or a strange one."""
    if given is not None and _LIKE_ONE.fullmatch(given):
        return given.decode("ascii")
    return uuid4().hex
