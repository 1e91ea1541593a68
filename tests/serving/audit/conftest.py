"""Trails of a test's own: a database, somebody who writes, somebody who seals."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, LiteralString
from uuid import uuid4

import psycopg
import pytest

from serving.audit.actors import VISITOR
from serving.audit.chain import Seal, seal_key
from serving.audit.recording import INSERT_ROW, new_row
from serving.audit.sealing import seal_trail
from serving.audit.verifying import Head, Report, verify
from tests.serving.conftest import DATA_KEY

KEY = seal_key(DATA_KEY)


def write(connection: psycopg.Connection[Any]) -> int:
    """A row, in the connection's transaction; its id."""
    row = new_row("account.registered", uuid4(), owner=uuid4(), actor=VISITOR)
    [(audit_id,)] = connection.execute(f"{INSERT_ROW} returning audit_id", row).fetchall()
    return audit_id


@dataclass(frozen=True)
class Trail:
    """A trail in a database of its own."""

    owner_url: str
    serving_url: str
    jobs_url: str

    def write(self, count: int = 1) -> list[int]:
        """So many rows, a transaction each; their ids."""
        with psycopg.connect(self.serving_url, autocommit=True) as connection:
            return [write(connection) for _ in range(count)]

    def seal(self, key: bytes = KEY) -> list[Seal]:
        return seal_trail(self.jobs_url, key)

    def verify(self, known: Head | None = None) -> Report:
        with psycopg.connect(self.owner_url, autocommit=True) as connection:
            return verify(connection, KEY, known=known)

    def tamper(self, *statements: LiteralString) -> None:
        """As somebody who may do everything in this database."""
        with psycopg.connect(self.owner_url) as connection:
            for table in ("audit", "audit_seals"):
                connection.execute(f"alter table app.{table} disable trigger user")  # type: ignore[arg-type]
            for statement in statements:
                assert connection.execute(statement).rowcount != 0, statement
            for table in ("audit", "audit_seals"):
                connection.execute(f"alter table app.{table} enable trigger user")  # type: ignore[arg-type]

    def sealed(self) -> list[int]:
        """The ids of rows in the order of the seals."""
        with psycopg.connect(self.owner_url) as connection:
            found = connection.execute("select audit_ids from app.audit_seals order by number").fetchall()
        return [audit_id for (audit_ids,) in found for audit_id in audit_ids]


@pytest.fixture
def trail(committed_database: str, role_url: Callable[..., str]) -> Trail:
    return Trail(
        committed_database,
        role_url("aurora_serving", committed_database),
        role_url("aurora_jobs", committed_database),
    )
