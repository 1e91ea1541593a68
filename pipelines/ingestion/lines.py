"""Lines of a file of any size, in bounded memory: a line of a gigabyte is cut, not loaded."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO


def bounded_lines(file: BinaryIO, limit: int) -> Iterator[bytes]:
    """The lines. One of more than `limit` bytes comes as its first `limit` + 1, and the rest is skipped."""
    while line := file.readline(limit + 1):
        if len(line) > limit and not line.endswith(b"\n"):
            while (rest := file.readline(limit)) and not rest.endswith(b"\n"):
                pass
        yield line
