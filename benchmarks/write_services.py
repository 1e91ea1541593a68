"""Postgres, Redis and people for the benchmark of writing: private, durable, on loopback, thrown away."""

from __future__ import annotations

import os
import secrets
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

import httpx
import psycopg

from aurora import clock
from aurora.database.migrate import migrate
from aurora.secrets import role_password
from infra.embedded.postgres import EmbeddedPostgres
from infra.embedded.redis import EmbeddedRedis
from infra.ports import free_port
from serving.auth.people import INSERT_PERSON, new_person_row
from serving.auth.tokens import TokenIssuer
from serving.options import ApiOptions

PROJECT = Path(__file__).parents[1]
START_SECONDS = 60


@dataclass
class WriteServices:
    """What the servers under measurement need."""

    folder: Path
    database: str
    """As the owner."""
    environment: dict[str, str]
    tokens: list[str] = field(default_factory=list)

    @classmethod
    @contextmanager
    def running(cls, people: int) -> Iterator[WriteServices]:
        folder = Path(tempfile.mkdtemp(prefix="aurora-writing-"))
        folder.chmod(0o711)  # as root Postgres runs as nobody and has to get in
        secret, jwt_secret, data_key = secrets.token_hex(32), secrets.token_hex(32), secrets.token_hex(32)
        postgres = EmbeddedPostgres(folder / "postgres", free_port(), role_password(secret, "aurora_owner"))
        redis = EmbeddedRedis(folder / "redis", free_port(), secrets.token_hex(8))
        try:
            postgres.start()
            redis.start()
            with psycopg.connect(postgres.url(), autocommit=True) as connection:
                connection.execute("create database aurora")
            url = postgres.url("aurora")
            migrate(url, secret, databases=False)
            environment = {
                "AURORA_POSTGRES_URL": _as_serving(url, secret),
                "AURORA_REDIS_URL": redis.url(),
                "AURORA_JWT_SECRET": jwt_secret,
                "AURORA_DATA_KEY": data_key,
                "AURORA_API_WORKERS": "1",
                "AURORA_API_USER_PER_MINUTE": "100000000",
            }
            services = cls(folder, url, environment)
            services.tokens = services._log_in(people, data_key, jwt_secret)
            yield services
        finally:
            redis.stop()
            postgres.stop()
            shutil.rmtree(folder, ignore_errors=True)

    def _log_in(self, people: int, data_key: str, jwt_secret: str) -> list[str]:
        """People with an open login, without the cost of their passwords; their access tokens."""
        issuer, now = TokenIssuer(jwt_secret, ApiOptions(access_minutes=600)), clock.now()
        tokens = []
        with psycopg.connect(self.database) as connection:
            for number in range(people):
                name, nothing = f"person-{number}", "-"
                row = new_person_row(username=name, password_hash=nothing, tz="UTC", system_key=data_key)
                family_id = uuid4()
                connection.execute(INSERT_PERSON, row)
                connection.execute(
                    "insert into app.sessions (session_id, user_id, family_id, refresh_hash, expires_at)"
                    " values (gen_random_uuid(), %s, %s, %s, now() + interval '1 day')",
                    (row["user_id"], family_id, family_id.bytes),
                )
                tokens.append(issuer.issue("access", row["user_id"], family_id, now))
        return tokens

    @contextmanager
    def server(self, name: str) -> Iterator[int]:
        """One server of `benchmarks.write_servers` in a process of its own; its port."""
        port = free_port()
        command = [
            sys.executable,
            "-c",
            f"from benchmarks.write_servers import serve; serve({name!r}, {port})",
        ]
        with (self.folder / f"{name}.log").open("wb") as log:
            process = subprocess.Popen(  # our own command line
                command, cwd=PROJECT, env=os.environ | self.environment, stdout=log, stderr=log
            )
        try:
            self._wait_for(name, port, process)
            yield port
        finally:
            process.terminate()
            process.wait(15)

    def _wait_for(self, name: str, port: int, process: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline and process.poll() is None:
            try:
                httpx.get(f"http://127.0.0.1:{port}/livez", timeout=1)
            except httpx.HTTPError:
                time.sleep(0.1)
            else:
                return
        raise RuntimeError(f"{name} does not answer:\n{(self.folder / f'{name}.log').read_text()[-3000:]}")


def _as_serving(url: str, secret: str) -> str:
    parts = urlsplit(url)
    login = f"aurora_serving:{role_password(secret, 'aurora_serving')}@{parts.hostname}:{parts.port}"
    return urlunsplit(parts._replace(netloc=login))
