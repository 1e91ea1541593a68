"""What the supervisor runs for each program: wait for what it needs, then become it.

    python -m infra.launch RUN_FOLDER NAME

It clears away what a killed predecessor left running, holds a program back that dies again and again, waits
until its dependencies listen, and then replaces itself by the program, with the environment of the table.
"""

from __future__ import annotations

import os
import signal
import socket
import sys
import time
from pathlib import Path
from typing import Any

from infra.run_folder import ProcessNote, back_off_seconds, broker_address, read_json, read_note, write_note


def launch(run_dir: Path, name: str) -> None:
    """Become the program. Does not return."""
    # A supervisor started in the background of a script passes on ignored signals: programs would not stop.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, set())

    table = read_json(run_dir / "programs.json")
    program = table[name]
    note = read_note(run_dir, name)
    if note.pid:
        from infra.leftovers import end_group

        # Its leader was killed, but children of it may live on and hold its port.
        end_group(note)
    _hold_back(run_dir, name, note)
    for dependency in program["depends_on"]:
        _wait_for(run_dir, name, note, dependency, table[dependency]["probe"])

    environment = dict(program["environment"])
    if "broker" in program["depends_on"]:
        environment["AURORA_KAFKA_BOOTSTRAP"] = broker_address(run_dir)
    note.phase, note.waits_for = "running", ""
    write_note(run_dir, name, note)
    command = program["command"]
    os.execvpe(command[0], command, environment)  # noqa: S606  # our own command line, no shell wanted


def _hold_back(run_dir: Path, name: str, note: ProcessNote) -> None:
    delay = back_off_seconds(note.started_at)
    note.pid, note.created_at = os.getpid(), time.time()
    note.started_at = [*note.started_at, time.time()][-20:]
    note.launches += 1
    if delay > 0:
        note.phase = "backing off"
        write_note(run_dir, name, note)
        print(f"launch: {name} ended too often, next start in {delay:.0f} s", flush=True)  # noqa: T201  # its log
        time.sleep(delay)


def _wait_for(run_dir: Path, name: str, note: ProcessNote, dependency: str, probe: dict[str, Any]) -> None:
    said = False
    while not _listens(run_dir, dependency, probe):
        if not said:
            note.phase, note.waits_for, said = "waiting", dependency, True
            write_note(run_dir, name, note)
            print(f"launch: {name} waits for {dependency}", flush=True)  # noqa: T201  # its log
        time.sleep(0.2)


def _listens(run_dir: Path, dependency: str, probe: dict[str, Any]) -> bool:
    address = broker_address(run_dir) if dependency == "broker" else str(probe["target"])
    if probe["kind"] == "alive":
        return read_note(run_dir, dependency).phase == "running"
    host, _, port = address.split("//")[-1].rsplit("@")[-1].split("/")[0].rpartition(":")
    try:
        with socket.create_connection((host, int(port)), timeout=1):
            return True
    except (OSError, ValueError):
        return False


if __name__ == "__main__":
    launch(Path(sys.argv[1]), sys.argv[2])
