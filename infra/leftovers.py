"""Processes that outlived their supervisor, or their own parent, and how to end them.

Each program leads a process group of its own, and its launcher noted the group's number down.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import psutil

from infra.run_folder import ProcessNote, note_file, read_note

CLOCK_TOLERANCE_SECONDS = 30
"""Between the start of a process and its launcher's note of it, on a very busy machine."""


def living_leader(note: ProcessNote) -> psutil.Process | None:
    """The process that `note` tells of, when it lives and the number is not another one's by now."""
    if not note.pid:
        return None
    try:
        process = psutil.Process(note.pid)
        is_same = abs(process.create_time() - note.created_at) < CLOCK_TOLERANCE_SECONDS
        return process if is_same and process.status() != psutil.STATUS_ZOMBIE else None
    except psutil.NoSuchProcess:
        return None


def end_group(note: ProcessNote) -> None:
    """Kill what is left of the group, unless its number belongs to another process by now."""
    if not note.pid or note.pid == os.getpid():
        return
    if psutil.pid_exists(note.pid) and living_leader(note) is None:
        return
    try:
        os.killpg(note.pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        return


def orphans(run_dir: Path, names: Iterable[str]) -> list[str]:
    """The programs that still run although nobody supervises them."""
    return [name for name in names if living_leader(read_note(run_dir, name)) is not None]


def end_orphans(run_dir: Path, table: Mapping[str, Any], timeout_seconds: float = 8) -> list[str]:
    """Stop the programs of a supervisor that is gone: first politely, then not. Returns their names."""
    found = orphans(run_dir, table)
    for name in found:
        os.kill(read_note(run_dir, name).pid, signal.Signals[f"SIG{table[name]['stop_signal']}"])
    deadline = time.monotonic() + timeout_seconds
    while orphans(run_dir, found) and time.monotonic() < deadline:
        time.sleep(0.05)
    for name in table:
        end_group(read_note(run_dir, name))
        note_file(run_dir, name).unlink(missing_ok=True)
    return found
