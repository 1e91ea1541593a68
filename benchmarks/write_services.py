"""The servers under measurement in the benchmark of writing, each in a process of its own."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.logged_in import JWT_SECRET, log_in
from benchmarks.server_process import answering
from benchmarks.services import DATA_KEY, Services, services
from infra.ports import free_port

PROJECT = Path(__file__).parents[1]


@dataclass(frozen=True)
class WriteServices:
    """What the servers need, and people who write to them."""

    services: Services
    tokens: list[str]

    @classmethod
    @contextmanager
    def running(cls, people: int) -> Iterator[WriteServices]:
        with services() as here:
            yield cls(here, [person.token for person in log_in(here, people)])

    @property
    def database(self) -> str:
        """As the owner."""
        return self.services.postgres_url

    @contextmanager
    def server(self, name: str) -> Iterator[int]:
        """One server of `benchmarks.write_servers` in a process of its own; its port."""
        port = free_port()
        command = [
            sys.executable,
            "-c",
            f"from benchmarks.write_servers import serve; serve({name!r}, {port})",
        ]
        environment = {
            "AURORA_POSTGRES_URL": self.services.url_of("aurora_serving"),
            "AURORA_REDIS_URL": self.services.redis_url,
            "AURORA_JWT_SECRET": JWT_SECRET,
            "AURORA_DATA_KEY": DATA_KEY,
            "AURORA_API_WORKERS": "1",
            "AURORA_API_USER_PER_MINUTE": "100000000",
        }
        with answering(
            command,
            url=f"http://127.0.0.1:{port}/livez",
            log=self.services.folder / f"{name}.log",
            cwd=PROJECT,
            environment=environment,
        ):
            yield port
