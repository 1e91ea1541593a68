"""What work costs: seconds by the clock, and seconds of CPU of this process and of all of Postgres.

    began = spent(postgres)
    ...
    cost = spent(postgres) - began

On a machine that does other work as well, seconds of CPU say more than those by the clock.
"""

from __future__ import annotations

import contextlib
import time
from dataclasses import dataclass
from pathlib import Path

import psutil
import psycopg


@dataclass(frozen=True)
class Cost:
    """In seconds. Those of CPU are added up over cores, and rounded to hundredths by the kernel."""

    wall: float
    cpu: float

    def __sub__(self, earlier: Cost) -> Cost:
        return Cost(self.wall - earlier.wall, self.cpu - earlier.cpu)

    def __str__(self) -> str:
        return f"{self.wall:.1f} ({self.cpu:.1f})"

    def in_units_of(self, other: Cost) -> str:
        """How many times the other, by the clock and in brackets by CPU."""
        return f"{self.wall / other.wall:.1f} ({self.cpu / other.cpu:.1f})"


def peak_mb() -> float:
    """The most memory that this process ever had. `getrusage` would count what its parent had when it was started."""
    (line,) = (row for row in Path("/proc/self/status").read_text().splitlines() if row.startswith("VmHWM:"))
    return int(line.split()[1]) / 1024


def postgres_of(connection: psycopg.Connection) -> psutil.Process:
    """The postmaster behind a connection to a Postgres on this machine."""
    postmaster = psutil.Process(connection.info.backend_pid).parent()
    assert postmaster is not None, "a backend has a postmaster: is this Postgres on another machine?"
    return postmaster


def spent(postgres: psutil.Process) -> Cost:
    """Up to now, by this process and by Postgres, whose own upkeep is in it (autovacuum, the writers)."""
    running = 0.0
    for backend in postgres.children():
        # One that ends in this moment is in the postmaster's sum.
        with contextlib.suppress(psutil.NoSuchProcess):
            times = backend.cpu_times()
            running += times.user + times.system
    times = postgres.cpu_times()
    ended = times.children_user + times.children_system
    return Cost(time.perf_counter(), time.process_time() + times.user + times.system + ended + running)
