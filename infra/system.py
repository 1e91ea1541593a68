"""The whole system: bring it up, take it down, delete it.

A start either ends with everything ready or leaves nothing running that did not run before.
"""

from __future__ import annotations

import fcntl
import json
import shutil
import signal
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from infra.dagster_home import write_dagster_home
from infra.embedded.postgres import EmbeddedPostgres
from infra.errors import AlreadyRunningError, ServiceStartError, UnknownProgramError
from infra.installation import Installation
from infra.leftovers import end_group, end_orphans
from infra.programs import Program, programs
from infra.readiness import MAIL_SERVER, ask, external_probes
from infra.run_folder import clear_notes, read_json, read_note, write_privately
from infra.start import Report, Start, silent, start_in_order
from infra.supervisord import Supervisor, SupervisorGoneError, connect, start_supervisor

EXTERNAL_SECONDS: Final = 15
SERVICES: Final = ("postgres", "redis", "broker")
"""Stopped last: everybody else still writes to them while stopping."""


def bring_up(
    here: Installation,
    only: Iterable[str] = (),
    *,
    report: Report = silent,
    table: Mapping[str, Program] | None = None,
) -> dict[str, Program]:
    """Start what does not run yet and wait until it is ready. Returns what was asked for."""
    table = programs(here) if table is None else table
    wanted = with_dependencies(table, list(only))
    with exclusively(here.run_dir):
        _check_external(here, report)
        start = _open(here, table, report)
        try:
            start_in_order(start, wanted)
        except BaseException:  # Ctrl-C too: no half-started system
            report("up", "taking back what was started")
            with uninterrupted():
                _take_back(start)
            raise
    return wanted


def take_down(run_dir: Path, report: Report = silent) -> bool:
    """Stop everything; False when nothing ran. The data stay."""
    run_dir.mkdir(parents=True, exist_ok=True)
    with exclusively(run_dir):
        table = read_json(run_dir / "programs.json")
        try:
            _stop_all(connect(run_dir), run_dir, table, report)
        except SupervisorGoneError:
            left_over = end_orphans(run_dir, table)
            for name in left_over:
                report(name, "was left over from a supervisor that is gone, ended")
            forget_run(run_dir)
            return bool(left_over)
        return True


def delete_data(data_dir: Path) -> None:
    """Delete the data folder's content and the cluster. Everything must have been taken down before."""
    # The cluster may lie elsewhere (see infra.embedded.unprivileged), so it deletes itself.
    EmbeddedPostgres(data_dir / "postgres", port=0, password="").destroy()
    for entry in data_dir.iterdir():
        shutil.rmtree(entry) if entry.is_dir() else entry.unlink()


@contextmanager
def exclusively(run_dir: Path) -> Iterator[None]:
    """One `up` or `down` at a time."""
    with (run_dir / "lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise AlreadyRunningError(
                "another `aurora up` or `aurora down` is at work in this folder"
            ) from error
        yield


@contextmanager
def uninterrupted() -> Iterator[None]:
    """An impatient second Ctrl-C must not leave half of it running."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def with_dependencies(table: Mapping[str, Program], only: list[str]) -> dict[str, Program]:
    """The programs named, and all that they need; everything when none is named."""
    for name in only:
        if name not in table:
            raise UnknownProgramError(name, list(table))
    names, waiting = set[str](), only or list(table)
    while waiting:
        name, *waiting = waiting
        names.add(name)
        waiting += [other for other in table[name].depends_on if other not in names]
    return {name: program for name, program in table.items() if name in names}


def forget_run(run_dir: Path) -> None:
    """No address of a system that is down stays behind: commands say that it is down instead."""
    clear_notes(run_dir)
    (run_dir / "settings.json").unlink(missing_ok=True)


def _check_external(here: Installation, report: Report) -> None:
    for name, probe in external_probes(here.given).items():
        deadline, pause = time.monotonic() + EXTERNAL_SECONDS, 0.5
        while True:
            is_there, reason = ask(probe, here.run_dir)
            if is_there or name == MAIL_SERVER:
                break
            if time.monotonic() > deadline:
                advice = "check its address in the environment or .env; unset it to use the embedded one"
                raise ServiceStartError(f"the external {name}", reason, advice=advice)
            report(name, f"does not answer yet ({reason})")
            time.sleep(pause)
            pause = min(pause * 2, 4)
        report(
            name, "external, answers" if is_there else f"external, does not answer ({reason}); e-mails wait"
        )


def _open(here: Installation, table: Mapping[str, Program], report: Report) -> Start:
    described = {name: program.as_json() for name, program in table.items()}
    try:
        supervisor = connect(here.run_dir)
    except SupervisorGoneError:
        for name in end_orphans(here.run_dir, read_json(here.run_dir / "programs.json")):
            report(name, "was left over from a supervisor that is gone, ended")
        clear_notes(here.run_dir)
        write_privately(here.run_dir / "programs.json", json.dumps(described, indent=2))
        write_privately(here.run_dir / "settings.json", json.dumps(here.run_settings(), indent=2))
        write_dagster_home(here)
        supervisor = start_supervisor(table, run_dir=here.run_dir, log_dir=here.log_dir)
        return Start(here, supervisor, is_first=True, report=report)
    if _gist(described) != _gist(read_json(here.run_dir / "programs.json")):
        raise AlreadyRunningError("AURORA runs with other settings than these: `aurora down` first")
    return Start(here, supervisor, is_first=False, report=report)


def _gist(described: Mapping[str, dict[str, Any]]) -> dict[str, object]:
    """What makes two tables the same system; the shell that they were made in does not."""
    return {
        name: (program["command"], {k: v for k, v in program["environment"].items() if "AURORA" in k})
        for name, program in described.items()
    }


def _take_back(start: Start) -> None:
    run_dir = start.here.run_dir
    try:
        if start.is_first:
            _stop_all(start.supervisor, run_dir, read_json(run_dir / "programs.json"), start.report)
        else:
            start.supervisor.stop(start.started)
    except SupervisorGoneError:
        end_orphans(run_dir, read_json(run_dir / "programs.json"))


def _stop_all(supervisor: Supervisor, run_dir: Path, table: Mapping[str, Any], report: Report) -> None:
    running = {process.name for process in supervisor.processes() if process.is_up}
    first = [name for name in table if name not in SERVICES]
    for names in (first, [name for name in SERVICES if name in table]):
        supervisor.stop(names)
        for name in names:
            end_group(read_note(run_dir, name))
        report("down", f"stopped {', '.join(name for name in names if name in running) or 'nothing'}")
    supervisor.shut_down()
    forget_run(run_dir)
