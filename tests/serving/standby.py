"""A Postgres of one's own and a streaming standby of it."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg

from aurora.database.migrate import migrate
from aurora.secrets import role_password, role_url
from infra.embedded.postgres import OWNER, EmbeddedPostgres, as_superuser, program_dir
from infra.embedded.unprivileged import as_nobody, make_private_dir
from infra.ports import free_port
from tests.fixtures import service_run

DATABASE = "aurora"
_MAY_PAUSE = (
    f"grant execute on function pg_wal_replay_pause() to {OWNER}\n"
    f"grant execute on function pg_wal_replay_resume() to {OWNER}\n"
)


@dataclass(frozen=True)
class Pair:
    """Both, migrated, and how to come to them."""

    primary: EmbeddedPostgres
    standby: EmbeddedPostgres

    @property
    def primary_url(self) -> str:
        return self._url(self.primary)

    @property
    def standby_url(self) -> str:
        return self._url(self.standby)

    def on_standby(self, statement: str) -> None:
        """As its superuser's right hand: pause and resume what it replays."""
        with psycopg.connect(self.standby.url(), autocommit=True) as connection:
            connection.execute(statement.encode())

    def _url(self, server: EmbeddedPostgres) -> str:
        return role_url(server.url(DATABASE), service_run.SECRET_KEY, "aurora_serving")


@contextmanager
def streaming() -> Iterator[Pair]:
    """A pair that lasts as long as the block."""
    folder = Path(tempfile.mkdtemp(prefix="pair-", dir=service_run.run_dir()))
    folder.chmod(0o711)
    password = role_password(service_run.SECRET_KEY, "aurora_owner")
    primary = EmbeddedPostgres(folder / "primary", free_port(), password)
    standby = EmbeddedPostgres(folder / "standby", free_port(), password)
    pair = Pair(primary, standby)
    try:
        primary.prepare()
        rules = primary.cluster_dir / "pg_hba.conf"
        rules.write_text(rules.read_text() + "host replication all 127.0.0.1/32 scram-sha-256\n")
        as_superuser(program_dir(), primary.cluster_dir, _MAY_PAUSE)
        primary.start()
        with psycopg.connect(primary.url(), autocommit=True) as connection:
            connection.execute(f"create database {DATABASE}".encode())
        migrate(primary.url(DATABASE), service_run.SECRET_KEY, databases=False)
        standby.data_dir.mkdir(parents=True)
        make_private_dir(standby.cluster_dir)
        copying = [
            *as_nobody(), str(program_dir() / "pg_basebackup"),
            "-D", str(standby.cluster_dir), "-d", primary.url(), "-R", "-X", "stream", "-c", "fast",
        ]  # fmt: skip
        subprocess.run(copying, check=True, capture_output=True, cwd="/")  # our own command line
        standby.start()
        yield pair
    finally:
        standby.destroy()
        primary.destroy()
