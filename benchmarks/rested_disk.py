"""A disk at rest. A rented one lends speed, and takes it back for minutes after much was written to it.

    disk = RestedDisk(folder)       # at rest, before anything is measured
    ...
    disk.wait()                     # until it answers as it did then

Without it whatever comes after a full build is measured on a disk that pays for the build: reads of 0.1 ms were seen to
take 500. A system has hours between the two.
"""

from __future__ import annotations

import mmap
import os
import random
import statistics
import time
from pathlib import Path
from typing import Final

from rich.console import Console

BLOCK: Final = 8_192
"""What Postgres reads at a time."""
FILE_BYTES: Final = 256 * 2**20
READS: Final = 200
AT_REST: Final = 2.0
"""So many times its first pace, and a disk still counts as rested."""
LOOKS: Final = 5
PATIENCE_SECONDS: Final = 900.0


class RestedDisk:
    """The disk under a folder, and how long it takes for a block when nothing asks for another."""

    def __init__(self, folder: Path) -> None:
        path = folder / "disk"
        path.write_bytes(os.urandom(FILE_BYTES))
        # Past the kernel's memory, which would answer in its place.
        self._file = os.open(path, os.O_RDONLY | os.O_DIRECT)
        os.fsync(self._file)
        self._block = mmap.mmap(-1, BLOCK)
        self._pace = self._seconds_a_block()

    def wait(self) -> None:
        """Until it is at rest, or patience ends; prints for how long, and how quick the disk is then."""
        os.sync()
        began = time.monotonic()
        while (pace := self._seconds_a_block()) > AT_REST * self._pace:
            if time.monotonic() > began + PATIENCE_SECONDS:
                break
        found = f"a block takes {pace * 1e3:.2f} ms, {self._pace * 1e3:.2f} at first"
        Console().print(f"waited {time.monotonic() - began:.0f} s for the disk: {found}")

    def _seconds_a_block(self) -> float:
        """The mean of many, as it was in the middle one of a few looks."""
        looks: list[float] = []
        for _ in range(LOOKS):
            began = time.perf_counter()
            for _ in range(READS):
                os.preadv(self._file, [self._block], random.randrange(FILE_BYTES // BLOCK) * BLOCK)  # noqa: S311
            looks.append((time.perf_counter() - began) / READS)
            time.sleep(1.0)
        return statistics.median(looks)
