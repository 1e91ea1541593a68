"""Waiting for the end of a process that may or may not be a child of ours."""

from __future__ import annotations

import contextlib
import time

import psutil


def wait_until_gone(pid: int, timeout_seconds: float) -> bool:
    """Whether the process ends in time. A zombie has ended: its parent may take seconds to notice."""
    deadline = time.monotonic() + timeout_seconds
    while time.monotonic() < deadline:
        try:
            process = psutil.Process(pid)
            if process.status() == psutil.STATUS_ZOMBIE:
                with contextlib.suppress(psutil.TimeoutExpired):
                    process.wait(0)  # a child of ours leaves the process table by this
                return True
        except psutil.NoSuchProcess:
            return True
        time.sleep(0.02)
    return False
