"""`aurora doctor`: what could be wrong on this machine, and what to do about each.

`look` gathers facts, `diagnose` judges them: a pure function, so that every disease can be tested.
"""

from __future__ import annotations

import platform
import shutil
import stat
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal

import psutil

from aurora.errors import AuroraError
from infra.embedded.postgres import program_dir
from infra.embedded.redis import server_program
from infra.embedded.unprivileged import SYSTEM_DIR, as_nobody, is_reachable
from infra.installation import given_settings
from infra.leftovers import orphans
from infra.ports import USUAL_PORTS, is_free, remembered_ports
from infra.readiness import MAIL_SERVER, ask, external_probes
from infra.run_folder import read_json
from infra.status import ProgramStatus, SupervisorGoneError, read_status

DISK_NEEDED: Final = 2 * 2**30
MEMORY_NEEDED: Final = 3 * 2**30

Level = Literal["fine", "warning", "problem"]


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at."""

    level: Level
    subject: str
    text: str
    advice: str = ""


@dataclass(frozen=True)
class Machine:
    """The facts that the doctor judges."""

    data_dir: Path
    python: tuple[int, int] = sys.version_info[:2]
    free_disk_bytes: int = DISK_NEEDED
    free_memory_bytes: int = MEMORY_NEEDED
    missing_programs: Mapping[str, str] = field(default_factory=dict)
    """Service → why its program cannot be run."""
    taken_ports: Mapping[str, tuple[int, str]] = field(default_factory=dict)
    """Service → its port and who listens there. Empty while AURORA runs: the ports are its own."""
    is_writable: bool = True
    is_reachable: bool = True
    exposed_files: tuple[str, ...] = ()
    orphans: tuple[str, ...] = ()
    statuses: tuple[ProgramStatus, ...] = ()
    is_up: bool = False
    external: Mapping[str, str] = field(default_factory=dict)
    """External service → what it said when it did not answer; empty when it does."""


def look() -> Machine:
    """The facts of this machine."""
    given = given_settings()
    data_dir, run_dir = given.data_dir, given.data_dir / "run"
    is_up, statuses = True, list[ProgramStatus]()
    try:
        statuses = read_status(run_dir)
    except SupervisorGoneError:
        is_up = False
    existing = next(path for path in (data_dir, *data_dir.parents) if path.exists())
    private_files = (data_dir / "secrets.json", run_dir / "settings.json", run_dir / "programs.json")
    answers = {name: ask(probe, run_dir) for name, probe in external_probes(given).items()}
    return Machine(
        data_dir=data_dir,
        free_disk_bytes=shutil.disk_usage(existing).free,
        free_memory_bytes=psutil.virtual_memory().available,
        missing_programs=_missing_programs(),
        taken_ports={} if is_up else _taken_ports(remembered_ports(data_dir / "ports.json")),
        is_writable=_is_writable(existing),
        is_reachable=is_reachable(data_dir),
        exposed_files=tuple(str(file) for file in private_files if _is_exposed(file)),
        orphans=() if is_up else tuple(orphans(run_dir, read_json(run_dir / "programs.json"))),
        statuses=tuple(statuses),
        is_up=is_up,
        external={name: "" if is_there else reason for name, (is_there, reason) in answers.items()},
    )


def diagnose(machine: Machine) -> list[Finding]:
    """What the facts mean. Problems stand in the way of `aurora up`, warnings do not."""
    return [
        _python(machine),
        *_programs(machine),
        *_folder(machine),
        _disk(machine),
        _memory(machine),
        *_ports(machine),
        *_leftovers(machine),
        *_external(machine),
        *_processes(machine),
    ]


def _python(machine: Machine) -> Finding:
    version = ".".join(map(str, machine.python))
    if machine.python < (3, 11):
        return Finding(
            "problem", "python", f"is {version}", "install 3.11 or newer: make setup PYTHON=python3.12"
        )
    return Finding("fine", "python", version)


def _programs(machine: Machine) -> list[Finding]:
    if not machine.missing_programs:
        return [Finding("fine", "programs", "Postgres, Valkey, the broker and the mailbox can be run here")]
    return [Finding("problem", name, why) for name, why in machine.missing_programs.items()]


def _folder(machine: Machine) -> list[Finding]:
    folder, subject = machine.data_dir, "data folder"
    if not machine.is_writable:
        advice = "change its owner, or set AURORA_DATA_DIR to a folder of yours"
        return [Finding("problem", subject, f"{folder} cannot be written", advice)]
    finding = Finding("fine", subject, str(folder))
    if not machine.is_reachable:
        finding = Finding(
            "warning",
            subject,
            f"the user nobody, who runs Postgres for root, cannot enter {folder}",
            f"Postgres keeps its data in {SYSTEM_DIR}; set AURORA_DATA_DIR to have them elsewhere",
        )
    exposed = [
        Finding("problem", "secrets", f"others can read {file}", f"chmod 600 {file}")
        for file in machine.exposed_files
    ]
    return [finding, *exposed]


def _disk(machine: Machine) -> Finding:
    free = f"{machine.free_disk_bytes / 2**30:.1f} GB free"
    if machine.free_disk_bytes < DISK_NEEDED:
        advice = "free some space, or set AURORA_DATA_DIR to another disk (2 GB at least)"
        return Finding("problem", "disk", free, advice)
    return Finding("fine", "disk", free)


def _memory(machine: Machine) -> Finding:
    free = f"{machine.free_memory_bytes / 2**30:.1f} GB available"
    if machine.free_memory_bytes < MEMORY_NEEDED and not machine.is_up:
        advice = "all processes together take about 3 GB; `aurora up --only serving` takes less"
        return Finding("warning", "memory", free, advice)
    return Finding("fine", "memory", free)


def _ports(machine: Machine) -> list[Finding]:
    return [
        Finding(
            "warning",
            "port",
            f"{port} of {name} is taken by {holder}",
            f"stop {holder} to have this port, or let `aurora up` take another one",
        )
        for name, (port, holder) in machine.taken_ports.items()
    ] or [Finding("fine", "ports", "are AURORA's own" if machine.is_up else "are free")]


def _leftovers(machine: Machine) -> list[Finding]:
    if not machine.orphans:
        return []
    names = ", ".join(machine.orphans)
    return [Finding("problem", "leftovers", f"{names} run without a supervisor", "`aurora down` ends them")]


def _external(machine: Machine) -> list[Finding]:
    return [
        Finding(
            "warning" if name == MAIL_SERVER else "problem",
            f"external {name}",
            said,
            "check its address in the environment or .env",
        )
        if said
        else Finding("fine", f"external {name}", "answers")
        for name, said in machine.external.items()
    ]


def _processes(machine: Machine) -> list[Finding]:
    if not machine.is_up:
        return [Finding("fine", "processes", "AURORA is not running; `aurora up` starts it")]
    asked_for = [line for line in machine.statuses if line.state != "not started"]
    sick = [line for line in asked_for if not line.is_healthy]
    return [
        Finding("problem", line.name, f"{line.state} {line.detail}".strip(), f"aurora logs {line.name}")
        for line in sick
    ] or [Finding("fine", "processes", f"all {len(asked_for)} are ready")]


def _missing_programs() -> dict[str, str]:
    missing: dict[str, str] = {}
    try:
        version = [*as_nobody(), str(program_dir() / "postgres"), "--version"]
        subprocess.run(version, check=True, capture_output=True, cwd="/")  # noqa: S603  # our own command line
    except (AuroraError, OSError, subprocess.CalledProcessError) as error:
        missing["postgres"] = f"cannot be run on {platform.platform()}: {error}"
    try:
        server_program()
    except AuroraError as error:
        missing["redis"] = str(error)
    try:
        import confluent_kafka

        del confluent_kafka
    except ImportError as error:
        missing["broker"] = (
            f"confluent-kafka is not there ({error}): make setup, or set AURORA_KAFKA_BOOTSTRAP"
        )
    try:
        import aiosmtpd

        del aiosmtpd
    except ImportError as error:
        missing["mailbox"] = f"aiosmtpd is not there ({error}): make setup, or set AURORA_SMTP_URL"
    return missing


def _taken_ports(remembered: Mapping[str, int]) -> dict[str, tuple[int, str]]:
    ports = {name: remembered.get(name, usual) for name, usual in USUAL_PORTS.items()}
    return {name: (port, _holder(port)) for name, port in ports.items() if not is_free(port)}


def _holder(port: int) -> str:
    try:
        for connection in psutil.net_connections("tcp"):
            is_listening = connection.status == psutil.CONN_LISTEN
            if is_listening and getattr(connection.laddr, "port", 0) == port and connection.pid:
                return f"{psutil.Process(connection.pid).name()} (pid {connection.pid})"
    except psutil.Error:
        pass
    return "another program"


def _is_exposed(file: Path) -> bool:
    return file.exists() and bool(stat.S_IMODE(file.stat().st_mode) & 0o077)


def _is_writable(folder: Path) -> bool:
    probe = folder / ".aurora-may-write"
    try:
        probe.touch()
        probe.unlink()
    except OSError:
        return False
    return True
