"""Metrics of several processes: each writes files into one folder, whoever is asked adds them up."""

from __future__ import annotations

import os
from pathlib import Path

from prometheus_client import REGISTRY, CollectorRegistry, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead


def read_metrics(folder: Path | None) -> bytes:
    """The metrics of all processes that share `folder`, or of this one alone."""
    if folder is None:
        return generate_latest(REGISTRY)
    for pid in _pids(folder, "gauge_live*_*.db"):
        # A worker that was killed took its open connections with it.
        if not _is_alive(pid):
            mark_process_dead(pid, str(folder))
    registry = CollectorRegistry()
    MultiProcessCollector(registry, path=str(folder))
    return generate_latest(registry)


def forget_dead_processes(folder: Path) -> None:
    """Remove what processes of an earlier start left behind; their counters begin anew."""
    folder.mkdir(parents=True, exist_ok=True)
    for file in folder.glob("*.db"):
        if not _is_alive(_pid_of(file)):
            file.unlink(missing_ok=True)


def _pids(folder: Path, pattern: str) -> set[int]:
    return {_pid_of(file) for file in folder.glob(pattern)}


def _pid_of(file: Path) -> int:
    pid = file.stem.rpartition("_")[2]
    return int(pid) if pid.isdigit() else 0


def _is_alive(pid: int) -> bool:
    if pid <= 0:
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
