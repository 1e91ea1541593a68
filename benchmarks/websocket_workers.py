"""The processes of AURORA that the WebSocket benchmark measures."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from benchmarks.logged_in import JWT_SECRET
from benchmarks.services import DATA_KEY, Services
from benchmarks.websocket_load import Requests
from infra.ports import free_port

PROJECT = Path(__file__).parents[1]


@dataclass(frozen=True)
class Workers:
    """Processes of AURORA on the services of a benchmark."""

    services: Services
    api_port: int = field(default_factory=free_port)

    @contextmanager
    def running(self, name: str, **environment: str) -> Iterator[psutil.Process]:
        """The process `name`, as `aurora up` starts it."""
        shared = {
            "AURORA_DATA_DIR": str(self.services.folder / "data"),
            "AURORA_REDIS_URL": self.services.redis_url,
            "AURORA_POSTGRES_URL": self.services.url_of(f"aurora_{name}"),
            "AURORA_KAFKA_BOOTSTRAP": self.services.kafka,
            "AURORA_JWT_SECRET": JWT_SECRET,
            "AURORA_DATA_KEY": DATA_KEY,
            "AURORA_API_PORT": str(self.api_port),
            "AURORA_API_WORKERS": "1",
            "AURORA_LOG_LEVEL": "WARNING",
            "OMP_NUM_THREADS": "1",
        }
        with (self.services.folder / f"{name}.log").open("ab") as log:
            process = subprocess.Popen(  # our own module
                [sys.executable, "-m", name], cwd=PROJECT, env=os.environ | shared | environment, stderr=log
            )
        try:
            yield psutil.Process(process.pid)
        finally:
            process.terminate()
            process.wait(20)

    async def until_ready(self) -> None:
        for _ in range(600):
            try:
                async with Requests("127.0.0.1", self.api_port) as requests:
                    if (await requests.send("GET", "/readyz"))[0] == 200:
                        return
            except OSError:
                pass
            await asyncio.sleep(0.1)
        raise RuntimeError("the API does not come up")
