"""`Idempotency-Key`: a mutation that is sent again gets the answer it got the first time.

The answer is stored in the transaction of the mutation itself. Two requests with one key queue up, so that
the second finds the answer of the first.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import Annotated, Any, Final, LiteralString
from uuid import UUID

from fastapi import Depends, Header, Request
from fastapi.responses import Response
from psycopg.types.json import Jsonb

from serving.database import Connection
from serving.errors import IdempotencyKeyInvalidError, IdempotencyKeyReusedError
from serving.problems import MEDIA_TYPE

_LOCK: Final[LiteralString] = "select pg_advisory_xact_lock(hashtextextended(%(lock)s, 7))"
_FIND: Final[LiteralString] = """
    select request_hash, status, body from app.idempotency_keys where user_id = %(user_id)s and key = %(key)s
"""
_ADD: Final[LiteralString] = """
    insert into app.idempotency_keys (user_id, key, request_hash, status, body)
    values (%(user_id)s, %(key)s, %(request_hash)s, %(status)s, %(body)s)
"""


@dataclass(frozen=True)
class Answer:
    """A status and a JSON body, as they are sent and as they are stored."""

    status: int
    body: dict[str, Any]
    is_replay: bool = False

    def response(self) -> Response:
        return Response(
            json.dumps(self.body, ensure_ascii=False).encode(),
            status_code=self.status,
            media_type=MEDIA_TYPE if self.status >= 400 else "application/json",
            headers={"Idempotency-Replayed": "true"} if self.is_replay else None,
        )


async def idempotency_key(
    key: Annotated[
        str | None,
        Header(
            alias="Idempotency-Key",
            description="A fresh id for this mutation; sent again within a day it gets the same answer",
            examples=["7c8f5f9e-6f0a-4bb5-9c1e-0a4a5f4c2f11"],
        ),
    ] = None,
) -> str | None:
    if key is not None and not (1 <= len(key) <= 200 and key.isascii() and key.isprintable()):
        raise IdempotencyKeyInvalidError
    return key


IdempotencyKey = Annotated[str | None, Depends(idempotency_key)]


def request_digest(request: Request, body_digest: bytes) -> bytes:
    """What makes two requests the same: method, path and body."""
    return hashlib.sha256(f"{request.method} {request.url.path} ".encode() + body_digest).digest()


async def find_answer(connection: Connection, user_id: UUID, key: str | None, digest: bytes) -> Answer | None:
    """The answer that this key got before. IdempotencyKeyReusedError when it belongs to another request."""
    if key is None:
        return None
    await connection.execute(_LOCK, {"lock": f"{user_id}:{key}"})
    cursor = await connection.execute(_FIND, {"user_id": user_id, "key": key})
    found = await cursor.fetchone()
    if found is None:
        return None
    if bytes(found[0]) != digest:
        raise IdempotencyKeyReusedError
    return Answer(found[1], found[2], is_replay=True)


async def keep_answer(
    connection: Connection, user_id: UUID, key: str | None, digest: bytes, answer: Answer
) -> None:
    """Keep the answer for whoever sends this key again."""
    if key is not None:
        row = {"user_id": user_id, "key": key, "request_hash": digest}
        await connection.execute(_ADD, {**row, "status": answer.status, "body": Jsonb(answer.body)})
