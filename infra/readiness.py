"""Is it ready? One small question to each program, and the same to services outside."""

from __future__ import annotations

import socket
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from aurora.settings import Settings
from infra.leftovers import living_leader
from infra.programs import Probe, Program
from infra.run_folder import broker_address, read_note

STEADY_SECONDS: Final = 6
"""A program that can be asked nothing counts as ready when it has lived for so long."""

MAIL_SERVER: Final = "mail server"
"""The one external service that nothing waits for: e-mails do."""


def is_ready(program: Program, run_dir: Path) -> tuple[bool, str]:
    """Whether the program is ready, and what it said when it is not."""
    note = read_note(run_dir, program.name)
    if note.phase != "running":
        return False, f"waits for {note.waits_for}" if note.phase == "waiting" else note.phase
    if living_leader(note) is None:
        # Also where the probe would be answered: by another program that has the port.
        return False, "has ended"
    if program.probe.kind == "alive":
        age = time.time() - max(note.started_at, default=0.0)
        return age >= STEADY_SECONDS, "has just started"
    return ask(program.probe, run_dir)


def ask(probe: Probe, run_dir: Path) -> tuple[bool, str]:
    """The answer to a probe that has an address."""
    try:
        match probe.kind:
            case "postgres":
                _ask_postgres(probe.target)
            case "redis":
                _ask_redis(probe.target)
            case "http":
                _ask_http(probe.target)
            case "broker":
                _ask_tcp(broker_address(run_dir))
            case "tcp":
                _ask_tcp(probe.target)
            case "alive":
                pass
    except Exception as error:  # noqa: BLE001  # whatever goes wrong is the answer: it is not ready
        return False, str(error).strip().split("\n")[0] or type(error).__name__
    return True, ""


def _ask_postgres(url: str) -> None:
    import psycopg

    with psycopg.connect(url, connect_timeout=3):
        pass


def _ask_redis(url: str) -> None:
    import redis
    from redis.backoff import NoBackoff
    from redis.retry import Retry

    no_retry = Retry(NoBackoff(), 0)
    with redis.Redis.from_url(url, socket_timeout=3, socket_connect_timeout=3, retry=no_retry) as client:
        client.ping()


def _ask_http(url: str) -> None:
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:  # noqa: S310  # http(s) from our own settings
            answer.read(1)
    except urllib.error.HTTPError as error:
        raise ConnectionError(f"answers {error.code}") from error


def _ask_tcp(address: str) -> None:
    host, _, port = address.rpartition(":")
    if not port:
        raise ConnectionError("no address yet")
    with socket.create_connection((host, int(port)), timeout=3):
        pass


def external_probes(given: Settings) -> dict[str, Probe]:
    """How to ask the services outside that are given."""
    probes: dict[str, Probe] = {}
    if given.postgres_url:
        probes["postgres"] = Probe("postgres", given.postgres_url)
    if given.redis_url:
        probes["redis"] = Probe("redis", given.redis_url)
    if given.kafka_bootstrap:
        probes["broker"] = Probe("tcp", given.kafka_bootstrap.split(",")[0])
    if given.mlflow_uri:
        probes["mlflow"] = Probe("http", given.mlflow_uri.rstrip("/") + "/health")
    if given.smtp_url:
        parts = urlsplit(given.smtp_url)
        usual = 465 if parts.scheme == "smtps" else 25
        probes[MAIL_SERVER] = Probe("tcp", f"{parts.hostname}:{parts.port or usual}")
    return probes
