"""`Idempotency-Key`: a mutation that is sent again gets the answer it got the first time.

The answer is stored in the transaction of the mutation itself. Two requests with one key queue up, so that
the second finds the answer of the first. To have an endpoint take a key, let it ask for `MadeOnce`; why a route takes
none is said in tests/serving/test_idempotency.py.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Annotated, Any, Final, LiteralString
from uuid import UUID, uuid5

import orjson
from fastapi import Depends, Header, Request
from fastapi.responses import Response
from pydantic import BaseModel

from aurora.events.ciphertext import digest_root, open_text, seal_text
from aurora.secrets import derive
from serving.database import Connection
from serving.errors import IdempotencyKeyInvalidError, IdempotencyKeyReusedError
from serving.openapi import AskedHeader
from serving.problems import MEDIA_TYPE

KEPT: Final[LiteralString] = "interval '24 hours'"
"""So long a key is good for its answer; then it is free, whether or not anybody has deleted the row."""

# In the order of the list: two groups that want the same keys never wait for each other in a circle.
_LOCK: Final[LiteralString] = """
    select pg_advisory_xact_lock(hashtextextended(lock, 7)) from unnest(%(locks)s::text[]) as wanted (lock)
"""
_FIND: Final[LiteralString] = f"""
    select idempotency_keys.user_id, idempotency_keys.key, request_hash, status, body
    from unnest(%(user_ids)s::uuid[], %(keys)s::text[]) as wanted (user_id, key)
    inner join app.idempotency_keys using (user_id, key)
    where created_at > now() - {KEPT}
"""  # noqa: S608  # our own text
_ADD: Final[LiteralString] = """
    insert into app.idempotency_keys (user_id, key, request_hash, status, body, created_at)
    select user_id, key, decode(request_hash, 'hex'), status, body, now()
    from json_to_recordset(%s::json)
        as answered (user_id uuid, key text, request_hash text, status integer, body jsonb)
    on conflict (user_id, key) do update
    set
        request_hash = excluded.request_hash, status = excluded.status, body = excluded.body,
        created_at = excluded.created_at
"""


@dataclass(frozen=True)
class Answer:
    """A status and a JSON body, as they are sent and as they are stored."""

    status: int
    body: dict[str, Any]
    is_replay: bool = False

    def response(self) -> Response:
        media_type = MEDIA_TYPE if self.status >= 400 else "application/json"
        return self._render(orjson.dumps(self.body), media_type)

    def as_lines(self, of: str, media_type: str) -> Response:
        """One line for each item of the list called `of`, then one with all the rest."""
        rest = {name: value for name, value in self.body.items() if name != of}
        return self._render(
            b"".join(orjson.dumps(item) + b"\n" for item in (*self.body[of], rest)), media_type
        )

    def _render(self, body: bytes, media_type: str) -> Response:
        headers = {"Idempotency-Replayed": "true"} if self.is_replay else None
        return Response(body, status_code=self.status, media_type=media_type, headers=headers)


IDEMPOTENCY_KEY: Final = AskedHeader(
    "Idempotency-Key",
    "A fresh id for this mutation; sent again within a day it gets the same answer",
    "7c8f5f9e-6f0a-4bb5-9c1e-0a4a5f4c2f11",
)


def checked_key(key: str | None) -> str | None:
    """The key as it was sent; IdempotencyKeyInvalidError when it cannot be one."""
    if key is not None and not (1 <= len(key) <= 200 and key.isascii() and key.isprintable()):
        raise IdempotencyKeyInvalidError
    return key


async def idempotency_key(
    key: Annotated[
        str | None,
        Header(
            alias=IDEMPOTENCY_KEY.name,
            description=IDEMPOTENCY_KEY.description,
            examples=[IDEMPOTENCY_KEY.example],
        ),
    ] = None,
) -> str | None:
    return checked_key(key)


IdempotencyKey = Annotated[str | None, Depends(idempotency_key)]


def request_digest(request: Request, body: bytes) -> bytes:
    """What makes two requests the same: method, path and body."""
    return digest_of(request, hashlib.sha256(body).digest())


def digest_of(request: Request, body_digest: bytes) -> bytes:
    """The same, of a body whose digest was taken as it came. Keyed: a body may have a note, which is easily guessed."""
    asked = f"{request.method} {request.scope['path']} ".encode() + body_digest
    return hmac.digest(_digest_key(request.app.state.resources.system_key), asked, "sha256")


@lru_cache(maxsize=8)
def _digest_key(system_key: str) -> bytes:
    return bytes.fromhex(derive(digest_root(system_key), "requests with an Idempotency-Key"))


@dataclass(frozen=True)
class KeptAnswer:
    """What a key got before, and for which request."""

    digest: bytes
    answer: Answer

    def reply_to(self, digest: bytes) -> Answer | IdempotencyKeyReusedError:
        """The answer, or why the request with this digest may not have it."""
        return self.answer if self.digest == digest else IdempotencyKeyReusedError()


async def find_answers(
    connection: Connection, keys: Collection[tuple[UUID, str]]
) -> dict[tuple[UUID, str], KeptAnswer]:
    """What these keys (person, key) got before. Until the transaction ends they are this one's alone."""
    if not keys:
        return {}
    ordered = sorted(keys)
    await connection.execute(_LOCK, {"locks": [f"{user_id}:{key}" for user_id, key in ordered]})
    wanted = {"user_ids": [user_id for user_id, _ in ordered], "keys": [key for _, key in ordered]}
    cursor = await connection.execute(_FIND, wanted)
    return {
        (user_id, key): KeptAnswer(bytes(digest), Answer(status, body, is_replay=True))
        for user_id, key, digest, status, body in await cursor.fetchall()
    }


async def keep_answers(connection: Connection, answers: Sequence[tuple[UUID, str, bytes, Answer]]) -> None:
    """Keep answers (person, key, digest of the request, answer) for whoever sends these keys again."""
    if not answers:
        return
    rows = [
        {
            "user_id": user_id,
            "key": key,
            "request_hash": digest.hex(),
            "status": answer.status,
            "body": answer.body,
        }
        for user_id, key, digest, answer in answers
    ]
    await connection.execute(_ADD, (orjson.dumps(rows).decode(),))


class Once:
    """A request that is done once, however often it is sent with its key."""

    def __init__(self, key: str | None, digest: bytes) -> None:
        self._key, self._digest = key, digest

    async def answer(
        self,
        connection: Connection,
        user_id: UUID,
        make: Callable[[], Awaitable[BaseModel]],
        *,
        status: int,
        data_key: bytes | None = None,
        leave_out_nulls: bool = False,
    ) -> Response:
        """What `make` makes, in the caller's transaction; or what the person's key got before, and nothing is made.

        An answer with a secret is kept as ciphertext under the person's `data_key`, and nowhere in clear.
        """

        async def done() -> Answer:
            made = await make()
            return Answer(status, made.model_dump(mode="json", exclude_none=leave_out_nulls))

        if self._key is None:
            return (await done()).response()
        asked = (user_id, self._key)
        kept = (await find_answers(connection, [asked])).get(asked)
        if kept is None:
            answer = await done()
            hidden = answer if data_key is None else _sealed(answer, data_key, *asked)
            await keep_answers(connection, [(*asked, self._digest, hidden)])
            return answer.response()
        reply = kept.reply_to(self._digest)
        if isinstance(reply, Exception):
            raise reply
        return (reply if data_key is None else _opened(reply, data_key, *asked)).response()


async def asked_once(request: Request, key: IdempotencyKey = None) -> Once:
    return Once(key, b"" if key is None else request_digest(request, await request.body()))


MadeOnce = Annotated[Once, Depends(asked_once)]


def _sealed(answer: Answer, data_key: bytes, user_id: UUID, key: str) -> Answer:
    # Bound to the key: it cannot be moved to another one.
    sealed = seal_text(data_key, uuid5(user_id, key), orjson.dumps(answer.body).decode())
    return replace(answer, body={"sealed": sealed.hex()})


def _opened(answer: Answer, data_key: bytes, user_id: UUID, key: str) -> Answer:
    text = open_text(data_key, uuid5(user_id, key), bytes.fromhex(answer.body["sealed"]))
    return replace(answer, body=orjson.loads(text))
