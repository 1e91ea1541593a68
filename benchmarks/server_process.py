"""A server under measurement, in a process of its own."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import httpx

START_SECONDS, STOP_SECONDS = 60, 30


@contextmanager
def answering(
    command: Sequence[str],
    *,
    url: str,
    log: Path,
    cwd: Path,
    environment: Mapping[str, str],
    seconds: float = START_SECONDS,
    with_success: bool = False,
) -> Iterator[None]:
    """Run `command` until the block ends; the block begins when `url` answers, `with_success` when it says 2xx.

    RuntimeError when it never does.
    """
    with log.open("wb") as written:
        process = subprocess.Popen(  # our own command line
            command, cwd=cwd, env=os.environ | environment, stdout=written, stderr=written
        )
    try:
        _wait_for(url, process, log, seconds, with_success=with_success)
        yield
    finally:
        process.terminate()
        process.wait(STOP_SECONDS)


def _wait_for(
    url: str, process: subprocess.Popen[bytes], log: Path, seconds: float, *, with_success: bool
) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and process.poll() is None:
        try:
            answer = httpx.get(url, timeout=1)
            if with_success:
                answer.raise_for_status()
        except httpx.HTTPError:
            time.sleep(0.1)
        else:
            return
    raise RuntimeError(f"{log.stem} does not answer:\n{log.read_text()[-3000:]}")
