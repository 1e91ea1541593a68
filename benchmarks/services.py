"""Services for one benchmark: Postgres, Redis and a broker of its own, thrown away at the end."""

from __future__ import annotations

import shutil
import signal
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Final

import psycopg

from aurora.database.migrate import migrate
from aurora.secrets import role_url
from infra.embedded.broker import EmbeddedBroker
from infra.embedded.postgres import EmbeddedPostgres
from infra.embedded.redis import EmbeddedRedis
from infra.ports import free_port
from pipelines.ingestion.progress import Silence
from pipelines.ingestion.simulated_people import import_simulation, plan_simulation, write_simulation
from pipelines.transformation.warehouse import build_warehouse

SECRET_KEY: Final = "the secret of a benchmark"  # of a cluster that nobody else reaches
DATA_KEY: Final = "5a" * 32
DATABASE: Final = "aurora"


@dataclass(frozen=True)
class Services:
    """Where they are. `url_of` gives the address of Postgres for one of AURORA's roles."""

    folder: Path
    postgres_url: str
    redis_url: str
    kafka: str

    def url_of(self, role: str) -> str:
        return role_url(self.postgres_url, SECRET_KEY, role)

    def simulate(self, users: int, days: int, *, ends_on: date | None = None) -> None:
        """People with a history, in the log."""
        spec = plan_simulation(
            self.postgres_url, self.folder, users=users, days=days, seed=7, ends_on=ends_on
        )
        simulation = write_simulation(spec, self.folder, lambda _done, _all: None)
        import_simulation(
            simulation,
            postgres_url=self.postgres_url,
            data_key=DATA_KEY,
            data_dir=self.folder,
            progress=Silence(),
        )

    def build(self) -> None:
        """The warehouse, from the log."""
        build_warehouse(self.url_of("aurora_pipelines"), data_dir=self.folder)


@contextmanager
def services() -> Iterator[Services]:
    """Start them, migrate, and clear all away afterwards. Postgres is durable, as it is in `aurora up`."""
    # As ctrl-c does: whoever ends a benchmark shall not be left with its services.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended"))
    folder = Path(tempfile.mkdtemp(prefix="aurora-benchmark-"))
    folder.chmod(0o711)  # as root Postgres runs as nobody and has to get in
    postgres = EmbeddedPostgres(folder / "postgres", free_port(), SECRET_KEY)
    redis = EmbeddedRedis(folder / "redis", free_port(), "benchmark")
    broker = EmbeddedBroker()
    try:
        postgres.start()
        redis.start()
        with psycopg.connect(postgres.url(), autocommit=True) as connection:
            connection.execute(f"create database {DATABASE}")
        migrate(postgres.url(DATABASE), SECRET_KEY, databases=False)
        yield Services(folder, postgres.url(DATABASE), redis.url(), broker.start())
    finally:
        broker.stop()
        redis.stop()
        postgres.stop()
        shutil.rmtree(folder, ignore_errors=True)
