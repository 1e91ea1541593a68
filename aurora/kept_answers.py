"""Answers that Redis keeps until what they were made from changes, or their time is over.

An answer has tags: the names of what it was made from. Each tag has a token in Redis, and an answer is kept with the
tokens that its tags had *before* it was made. To invalidate a tag is to give it another token: whoever was making an
answer meanwhile keeps it under tokens that no longer hold, and nobody reads it. To delete kept answers instead would
leave that one for its whole time (docs/decisions/0027).
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any, Final, NamedTuple
from uuid import UUID

from redis.asyncio import Redis
from redis.asyncio.client import Pipeline

CHANNEL: Final = "aurora_kept_answers"
"""NOTIFY channel for who writes to Postgres and has no Redis. The payload is a tag whose answers no longer hold."""

SCORES: Final = "scores"
"""The tag of everybody's scores: a build writes them anew."""
PATTERNS: Final = "patterns"
"""The tag of everybody's patterns; each person has one of their own, too."""

_TOKEN_BYTES: Final = 8
_TAG_SECONDS: Final = 86_400
"""A tag that nobody used for so long is forgotten, and with it what was kept under it: far longer than any answer."""


class Place(NamedTuple):
    """Where one answer is kept, and the tags that it has."""

    key: str
    tags: tuple[str, ...]


class Found(NamedTuple):
    """What was found at a place: the tokens to keep an answer under, and the answer that holds, if there is one."""

    tokens: bytes
    body: bytes | None


def place_of(name: str, *tags: str) -> Place:
    return Place(f"aurora:kept:{name}", tags)


def tag_of(noun: str, user_id: UUID) -> str:
    """The tag of what a person has of something, such as their predictions."""
    return f"{noun}:{user_id}"


async def look_up(redis: Redis, place: Place, stamp: bytes = b"") -> Found:
    """The answer at a place. `stamp` is what else it was made from that needs no tag, such as the model's version."""
    [found] = await look_up_many(redis, [(place, stamp)])
    return found


async def look_up_many(redis: Redis, wanted: Sequence[tuple[Place, bytes]]) -> list[Found]:
    """The same for many places and stamps at once, in their order.

    Tags that have no token are given one, so that a token is never missing by chance: what is missing never holds.
    """
    names = [[place.key, *map(_tag_key, place.tags)] for place, _ in wanted]
    stored: Any = await redis.mget([name for of_place in names for name in of_place])
    values: Iterator[bytes | None] = iter(stored)
    read = [(next(values), list(islice(values, len(place.tags)))) for place, _ in wanted]
    missing = {
        name
        for (_, tokens), (_, *tags) in zip(read, names, strict=True)
        for name, token in zip(tags, tokens, strict=True)
        if token is None
    }
    given = await _give_tokens(redis, sorted(missing)) if missing else {}
    found = []
    for (body, tokens), (_, *tags), (_, stamp) in zip(read, names, wanted, strict=True):
        known = b"".join(token or given[tag] for tag, token in zip(tags, tokens, strict=True))
        head = _head(known, stamp)
        found.append(Found(known, body[len(head) :] if body and body.startswith(head) else None))
    return found


async def _give_tokens(redis: Redis, names: Sequence[str]) -> dict[str, bytes]:
    """Give each of these tags a token unless somebody else did meanwhile."""
    async with redis.pipeline(transaction=False) as pipe:
        for name in names:
            pipe.set(name, _new_token(), nx=True, ex=_TAG_SECONDS)
        pipe.mget(names)
        *_, tokens = await pipe.execute()
    return dict(zip(names, tokens, strict=True))


def keep(
    pipe: Pipeline, place: Place, tokens: bytes, body: bytes, *, seconds: int, stamp: bytes = b""
) -> None:
    """Have `pipe` keep an answer for so long, under the tokens from before it was made."""
    pipe.set(place.key, _head(tokens, stamp) + body, ex=seconds)


def renew(pipe: Pipeline, tag: str) -> bytes:
    """Have `pipe` give a tag another token, which is returned: what was kept under the one before is not read again."""
    token = _new_token()
    pipe.set(_tag_key(tag), token, ex=_TAG_SECONDS)
    return token


def _head(tokens: bytes, stamp: bytes) -> bytes:
    return tokens + stamp + b"\n"


def _new_token() -> bytes:
    return secrets.token_bytes(_TOKEN_BYTES)


def _tag_key(tag: str) -> str:
    return f"aurora:tag:{tag}"
