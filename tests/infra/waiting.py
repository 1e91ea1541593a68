"""Waiting for what comes true by itself."""

from __future__ import annotations

import time
from collections.abc import Callable


def eventually(is_true: Callable[[], object], within_seconds: float = 30) -> None:
    """Return once it is true; fail when that takes longer."""
    deadline = time.monotonic() + within_seconds
    while not is_true():
        assert time.monotonic() < deadline, "it did not come true in time"
        time.sleep(0.05)
