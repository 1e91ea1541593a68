"""The system that chaos strikes: real processes over a durable Postgres, and a supervisor that starts anew what ends.

Postgres runs as `aurora up` runs it, with fsync and synchronous commit on. Killing a process of it loses nothing that
the operating system has; that an acknowledged commit also survives the power cut rests on fsync, which no test on one
running machine can show.
"""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import httpx
import psutil
import psycopg

from aurora.database.grants import PIPELINES, SERVING, STREAMS
from aurora.database.migrate import migrate
from aurora.secrets import role_password, role_url
from infra.embedded.postgres import EmbeddedPostgres
from infra.embedded.redis import EmbeddedRedis
from infra.ports import free_port
from infra.run_folder import read_json

PROJECT: Final = Path(__file__).parents[2]
START_SECONDS: Final = 90
WORKERS: Final = 2


@dataclass
class ChaosSystem:
    """Where everything is, and its processes."""

    folder: Path
    secret: str
    postgres: EmbeddedPostgres
    redis: EmbeddedRedis
    environment: dict[str, str]
    api_port: int
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    @property
    def api(self) -> str:
        return f"http://127.0.0.1:{self.api_port}"

    @property
    def database(self) -> str:
        """As the owner."""
        return self.postgres.url("aurora")

    @property
    def pipelines_url(self) -> str:
        return role_url(self.database, self.secret, PIPELINES)

    @classmethod
    @contextmanager
    def running(cls) -> Iterator[ChaosSystem]:
        """Everything up and serving; thrown away at the end."""
        folder = Path(tempfile.mkdtemp(prefix="aurora-chaos-"))
        folder.chmod(0o711)  # as root Postgres runs as nobody and has to get in
        secret = secrets.token_hex(16)
        password = role_password(secret, "aurora_owner")
        system = cls(
            folder,
            secret,
            EmbeddedPostgres(folder / "postgres", free_port(), password),
            EmbeddedRedis(folder / "redis", free_port(), secrets.token_hex(8)),
            {
                "AURORA_DATA_DIR": str(folder),
                "AURORA_JWT_SECRET": secrets.token_hex(32),
                "AURORA_DATA_KEY": secrets.token_hex(32),
                "AURORA_API_BCRYPT_COST": "4",
                "AURORA_API_LOGIN_PER_MINUTE": "10000",
                "AURORA_API_USER_PER_MINUTE": "1000000",
            },
            free_port(),
        )
        try:
            system._start()
            yield system
        finally:
            system._stop()
            shutil.rmtree(folder, ignore_errors=True)

    def _start(self) -> None:
        self.postgres.start()
        self.redis.start()
        with psycopg.connect(self.postgres.url(), autocommit=True) as connection:
            connection.execute("create database aurora")
        migrate(self.database, self.secret, databases=False)
        self.start_broker()
        self.start_serving()
        self.start_streams()
        self._wait("the API is not ready", self._is_ready)

    def _stop(self) -> None:
        for process in self.processes.values():
            process.terminate()
        for process in self.processes.values():
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
        self.redis.stop()
        self.postgres.stop()

    # --- processes ------------------------------------------------------------------------------------------

    def start_serving(self) -> None:
        self._run(
            "serving",
            ["serving"],
            AURORA_POSTGRES_URL=role_url(self.database, self.secret, SERVING),
            AURORA_API_PORT=str(self.api_port),
            AURORA_API_WORKERS=str(WORKERS),
        )

    def start_streams(self) -> None:
        self._run(
            "streams",
            ["streams"],
            AURORA_POSTGRES_URL=role_url(self.database, self.secret, STREAMS),
            AURORA_KAFKA_BOOTSTRAP=self._broker_address(),
        )

    def start_broker(self) -> None:
        """It has another address each time: whoever talks to it reads that anew."""
        (self.folder / "run").mkdir(exist_ok=True)
        (self.folder / "run" / "settings.json").unlink(missing_ok=True)
        self._run("broker", ["infra.broker", str(self.folder / "run")])
        self._wait("the broker does not say where it is", self._broker_address)

    def _broker_address(self) -> str:
        return str(read_json(self.folder / "run" / "settings.json").get("kafka_bootstrap", ""))

    def _run(self, name: str, module: list[str], **environment: str) -> None:
        with (self.folder / f"{name}.log").open("ab") as log:
            self.processes[name] = subprocess.Popen(  # our own command line
                [sys.executable, "-m", *module],
                cwd=PROJECT,
                env=os.environ | self.environment | {"AURORA_REDIS_URL": self.redis.url()} | environment,
                stdout=log,
                stderr=log,
            )

    def supervise(self) -> list[str]:
        """Start anew what has ended by itself, as the supervisor does; what that was."""
        ended = [name for name, process in self.processes.items() if process.poll() is not None]
        starts: dict[str, Callable[[], None]] = {
            "serving": self.start_serving,
            "streams": self.start_streams,
            "broker": self.start_broker,
        }
        for name in ended:
            starts[name]()
        return ended

    # --- kills ----------------------------------------------------------------------------------------------

    def kill_api_worker(self) -> None:
        """One of the workers; uvicorn starts another one."""
        parent = psutil.Process(self.processes["serving"].pid)
        workers = [child for child in parent.children() if "spawn_main" in " ".join(child.cmdline())]
        if workers:
            workers[0].kill()

    def kill_streams(self) -> None:
        """Relay and Faust worker: one process."""
        self._kill("streams")
        self.start_streams()

    def kill_redis(self) -> None:
        self._end(self.redis.pid, signal.SIGKILL)
        time.sleep(1)
        self.redis.start()

    def kill_broker(self) -> None:
        """All that lay in it is gone. Its dependents start anew, as `infra.broker` has them do."""
        self._kill("broker")
        self.start_broker()
        self._kill("streams")
        self.start_streams()

    def stop_postgres_at_once(self) -> None:
        """Immediate stop: no checkpoint, no goodbye. The next start recovers from the log."""
        self._end(self.postgres.pid, signal.SIGQUIT)
        time.sleep(1)
        self.postgres.start(60)

    @property
    def kills(self) -> dict[str, Callable[[], None]]:
        return {
            "API worker": self.kill_api_worker,
            "relay and Faust worker": self.kill_streams,
            "Redis": self.kill_redis,
            "broker": self.kill_broker,
            "Postgres, immediate stop": self.stop_postgres_at_once,
        }

    def _kill(self, name: str) -> None:
        process = self.processes[name]
        process.kill()
        process.wait()

    @staticmethod
    def _end(pid: int | None, number: signal.Signals) -> None:
        if pid is None:
            return
        try:
            process = psutil.Process(pid)
            process.send_signal(number)
            process.wait(20)
        except psutil.NoSuchProcess:
            return

    # --- questions ------------------------------------------------------------------------------------------

    def rows(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.database, connect_timeout=5) as connection:
            return connection.execute(query.encode(), values).fetchall()

    def _is_ready(self) -> bool:
        try:
            return httpx.get(f"{self.api}/readyz", timeout=2).status_code == 200
        except httpx.HTTPError:
            return False

    def _wait(self, otherwise: str, condition: Callable[[], object]) -> None:
        deadline = time.monotonic() + START_SECONDS
        while not condition():
            if time.monotonic() > deadline:
                logs = [path.read_text(errors="replace")[-2000:] for path in self.folder.glob("*.log")]
                raise RuntimeError("\n".join([otherwise, *logs]))
            time.sleep(0.1)
