"""Logs that can be read while a service is away: what repeats is said once in a while.

aiokafka reports each of its ten attempts a second to reach a broker.
"""

from __future__ import annotations

import logging
import time
from typing import Final

SAID_AGAIN_SECONDS: Final = 30.0
_CHATTY: Final = ("faust", "mode", "aiokafka")


class OnceInAWhile(logging.Filter):
    """Lets a message pass that has not been said for a while. Messages of one template are one message."""

    def __init__(self, seconds: float = SAID_AGAIN_SECONDS) -> None:
        super().__init__()
        self._seconds = seconds
        self._said_at: dict[tuple[str, str], float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        key, now = (record.name, str(record.msg)), time.monotonic()
        if now - self._said_at.get(key, -self._seconds) < self._seconds:
            return False
        self._said_at[key] = now
        return True


def quieten() -> None:
    """Warnings and errors only of the libraries below, and each once in a while."""
    once = OnceInAWhile()
    for handler in logging.getLogger().handlers:
        handler.addFilter(lambda record: _is_ours(record) or once.filter(record))
    for name in _CHATTY:
        logging.getLogger(name).setLevel(logging.WARNING)


def _is_ours(record: logging.LogRecord) -> bool:
    return not record.name.startswith(_CHATTY)
