"""supervisord: its configuration out of the table of programs, starting it detached, and talking to it.

It only keeps processes alive. In which order they start, and when they are ready, is `infra.start`'s part.
"""

from __future__ import annotations

import hashlib
import http.client
import subprocess
import sys
import tempfile
import time
import xmlrpc.client
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from supervisor.states import STOPPED_STATES, ProcessStates
from supervisor.xmlrpc import Faults, SupervisorTransport

from aurora.errors import AuroraError
from aurora.settings import PROJECT_DIR
from infra.embedded.ending import wait_until_gone
from infra.errors import ServiceStartError, last_lines
from infra.programs import Program, base_environment
from infra.run_folder import write_privately

STOP_SECONDS: Final = 8
"""How long a program may take to stop before it is killed. `aurora down` has two rounds of it in 20 s."""
_UP: Final = {ProcessStates.STARTING, ProcessStates.RUNNING, ProcessStates.BACKOFF}


class SupervisorGoneError(AuroraError):
    def __init__(self) -> None:
        super().__init__("AURORA is not running; `aurora up` starts it")


def socket_file(run_dir: Path) -> Path:
    """The supervisor's socket. Its path may have 107 bytes at most, so a deep folder gets one elsewhere."""
    file = run_dir / "supervisor.sock"
    if len(str(file).encode()) < 90:
        return file
    key = hashlib.sha256(str(run_dir).encode()).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"aurora-{key}.sock"


def render(programs: Mapping[str, Program], *, run_dir: Path, log_dir: Path) -> str:
    """The configuration file. Nothing secret is in it: environments are read by the launcher."""
    lines = [
        "[supervisord]",
        f"logfile={_escaped(log_dir / 'supervisor.log')}",
        f"pidfile={_escaped(run_dir / 'supervisord.pid')}",
        f"childlogdir={_escaped(log_dir)}",
        f"directory={_escaped(PROJECT_DIR)}",
        "logfile_maxbytes=5MB",
        "logfile_backups=1",
        "minfds=1024",
        "umask=022",
        "[unix_http_server]",
        f"file={_escaped(socket_file(run_dir))}",
        "chmod=0700",
        "[rpcinterface:supervisor]",
        "supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface",
    ]
    for program in programs.values():
        launch = [sys.executable, "-m", "infra.launch", str(run_dir), program.name]
        lines += [
            f"[program:{program.name}]",
            "command=" + " ".join(f'"{_escaped(word)}"' for word in launch),
            "autostart=false",
            "autorestart=true",
            # The launcher holds back a program that dies again and again; the supervisor never gives up.
            "startsecs=1",
            "startretries=1000000",
            f"stopsignal={program.stop_signal}",
            f"stopwaitsecs={STOP_SECONDS}",
            "killasgroup=true",
            "redirect_stderr=true",
            f"stdout_logfile={_escaped(log_dir / f'{program.name}.log')}",
            "stdout_logfile_maxbytes=10MB",
            "stdout_logfile_backups=2",
        ]
    return "\n".join(lines) + "\n"


def _escaped(value: object) -> str:
    # supervisord expands %(name)s.
    return str(value).replace("%", "%%")


@dataclass(frozen=True)
class SupervisedProcess:
    """One process as the supervisor sees it."""

    name: str
    state: str
    pid: int
    started_at: float
    is_up: bool
    is_stopped: bool


class Supervisor:
    """A running supervisord."""

    def __init__(self, proxy: Any) -> None:
        self._proxy = proxy

    def _call(self, method: str, *args: Any) -> Any:
        try:
            return getattr(self._proxy.supervisor, method)(*args)
        except (OSError, http.client.HTTPException) as error:
            raise SupervisorGoneError from error

    def pid(self) -> int:
        return int(self._call("getPID"))

    def processes(self) -> list[SupervisedProcess]:
        return [
            SupervisedProcess(
                name=info["name"],
                state=info["statename"],
                pid=info["pid"],
                started_at=info["start"],
                is_up=info["state"] in _UP,
                is_stopped=info["state"] in STOPPED_STATES,
            )
            for info in self._call("getAllProcessInfo")
        ]

    def start(self, names: Iterable[str]) -> None:
        """Have these run; nothing happens to those that do. Does not wait."""
        self._each("startProcess", names, harmless={Faults.ALREADY_STARTED})

    def stop(self, names: Iterable[str]) -> None:
        """Stop these side by side and wait until they are."""
        names = list(names)
        self._each("stopProcess", names, harmless={Faults.NOT_RUNNING})
        deadline = time.monotonic() + STOP_SECONDS + 3
        while time.monotonic() < deadline:
            if all(process.is_stopped for process in self.processes() if process.name in names):
                return
            time.sleep(0.05)

    def _each(self, method: str, names: Iterable[str], *, harmless: set[int]) -> None:
        for name in names:
            try:
                self._call(method, name, False)  # noqa: FBT003  # XML-RPC has no keywords; False: do not wait
            except xmlrpc.client.Fault as fault:
                if fault.faultCode not in harmless:
                    raise

    def shut_down(self) -> None:
        """End the supervisor itself and wait until it is gone."""
        try:
            pid = self.pid()
            self._call("shutdown")
        except SupervisorGoneError:
            return
        wait_until_gone(pid, STOP_SECONDS + 3)


def connect(run_dir: Path) -> Supervisor:
    """The running supervisor; SupervisorGoneError when there is none."""
    transport = SupervisorTransport(None, None, serverurl=f"unix://{socket_file(run_dir)}")
    supervisor = Supervisor(xmlrpc.client.ServerProxy("http://127.0.0.1", transport=transport))
    supervisor.pid()
    return supervisor


def start_supervisor(programs: Mapping[str, Program], *, run_dir: Path, log_dir: Path) -> Supervisor:
    """Start a detached supervisord that knows the programs and runs none of them yet."""
    config_file = run_dir / "supervisord.conf"
    write_privately(config_file, render(programs, run_dir=run_dir, log_dir=log_dir))
    done = subprocess.run(  # noqa: S603  # our own command line
        [sys.executable, "-m", "supervisor.supervisord", "-c", str(config_file)],
        env=base_environment(),
        cwd=PROJECT_DIR,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    deadline = time.monotonic() + 15
    while done.returncode == 0 and time.monotonic() < deadline:
        try:
            return connect(run_dir)
        except SupervisorGoneError:
            time.sleep(0.05)
    said = (done.stdout + done.stderr).splitlines()[-8:]
    raise ServiceStartError(
        "the supervisor", "it does not answer", [*said, *last_lines(log_dir / "supervisor.log", 4)]
    )
