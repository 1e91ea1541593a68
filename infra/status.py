"""How each program is right now: what the supervisor, its launcher, its probe and the system say together."""

from __future__ import annotations

import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

import psutil

from infra.programs import Probe, Program
from infra.readiness import is_ready
from infra.run_folder import read_json, read_note
from infra.supervisord import SupervisedProcess, SupervisorGoneError, connect

State = Literal["ready", "starting", "waiting", "backing off", "stopped", "not started"]
HEALTHY: Final = "ready"


@dataclass(frozen=True)
class ProgramStatus:
    """One line of `aurora status`."""

    name: str
    state: State
    detail: str = ""
    pid: int = 0
    uptime_seconds: float = 0.0
    restarts: int = 0
    memory_bytes: int = 0
    url: str = ""

    @property
    def is_healthy(self) -> bool:
        return self.state == HEALTHY


def read_status(run_dir: Path) -> list[ProgramStatus]:
    """The status of every program of the running system; SupervisorGoneError when it is down."""
    supervised = {process.name: process for process in connect(run_dir).processes()}
    table = {name: _program(described) for name, described in read_json(run_dir / "programs.json").items()}
    with ThreadPoolExecutor(max_workers=8) as pool:
        return list(pool.map(lambda name: _status(table[name], supervised.get(name), run_dir), table))


def _status(program: Program, process: SupervisedProcess | None, run_dir: Path) -> ProgramStatus:
    note = read_note(run_dir, program.name)
    restarts = max(0, note.launches - 1)
    if process is None or not process.is_up or not process.pid:
        is_between_starts = process is not None and process.state in {"BACKOFF", "STARTING"}
        state = "backing off" if is_between_starts else "stopped" if note.launches else "not started"
        return ProgramStatus(program.name, state, restarts=restarts, url=program.url)
    answers, reason = is_ready(program, run_dir)
    state = HEALTHY if answers else "starting" if note.phase == "running" else note.phase
    return ProgramStatus(
        name=program.name,
        state=state,
        detail=reason,
        pid=process.pid,
        uptime_seconds=max(0.0, time.time() - process.started_at),
        restarts=restarts,
        memory_bytes=memory_bytes(process.pid),
        url=program.url,
    )


def memory_bytes(pid: int) -> int:
    """The memory of a process and its children. Memory that they share counts once where the system tells."""
    try:
        leader = psutil.Process(pid)
        family = [leader, *leader.children(recursive=True)]
    except psutil.NoSuchProcess:
        return 0
    return sum(_own_memory(process) for process in family)


def _own_memory(process: psutil.Process) -> int:
    try:
        return int(process.memory_full_info().pss)
    except psutil.NoSuchProcess:
        return 0
    except (psutil.AccessDenied, AttributeError):
        try:
            return int(process.memory_info().rss)
        except psutil.Error:
            return 0


def _program(described: Mapping[str, Any]) -> Program:
    probe = Probe(**described["probe"])
    return Program(**{**described, "probe": probe, "depends_on": tuple(described["depends_on"])})


__all__ = ["HEALTHY", "ProgramStatus", "SupervisorGoneError", "memory_bytes", "read_status"]
