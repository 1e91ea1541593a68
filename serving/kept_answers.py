"""Answers out of Redis, and made once where several ask for one that is not there.

Of the requests that find nothing one makes the answer; those on this worker wait for it, those on other workers look
until it is there. Whoever has waited for too long makes their own, so a worker that dies keeps nobody up. Without Redis
every answer is made.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Final, Literal
from uuid import UUID
from zlib import crc32

from prometheus_client import Counter
from redis.asyncio import Redis

from aurora.kept_answers import Found, Place, keep, look_up_many, renew, tag_of
from serving.auth.people import Person
from serving.grouping import Grouping
from serving.redis_access import RedisAccess

Outcome = Literal["hit", "made", "shared", "without_redis", "switched_off"]

ANSWERS: Final = Counter(
    "aurora_api_kept_answers",
    "Answers that are kept, by what was asked for and where this one came from: hit (kept), made, shared (another "
    "request made it), without_redis, switched_off",
    ["endpoint", "outcome"],
)

_TURN_SECONDS: Final = 5.0
"""So long one worker may be making an answer before another one begins."""
_WAIT_SECONDS: Final = 1.0
_LOOK_SECONDS: Final = 0.02
_LOOKED_AT_ONCE: Final = 32
"""Answers that one round trip asks for: together they are a few megabytes at most, which Redis sends in time."""
_RENEWED_AT_ONCE: Final = 1_000
_SLOTS: Final = 8
"""Answers of one kind that are kept for a person who asks countless questions."""
_MOST_BYTES: Final = 192 * 1024
"""A longer answer is not kept."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """An answer that is asked for: where it is kept and for how long, and what else it was made from (`stamp`)."""

    endpoint: str
    place: Place
    seconds: int
    stamp: bytes = b""


def one_of_few(endpoint: str, place: Place, seconds: int, question: str) -> Wanted:
    """The answer to one of countless questions. Few are kept at a time, so that nobody fills Redis by asking."""
    stamp = question.encode()
    slot = crc32(stamp) % _SLOTS
    return Wanted(endpoint, place._replace(key=f"{place.key}:{slot}"), seconds, stamp)


Make = Callable[[], Awaitable[bytes]]
_Making = tuple[str, bytes, bytes]
_Look = tuple[Place, bytes]


class KeptAnswers:
    """One worker's way to the answers that all workers share."""

    def __init__(self, redis: RedisAccess, is_on: Callable[[Person | None], bool] = lambda _: True) -> None:
        """`is_on` says whether answers of a person are kept at all."""
        self._redis = redis
        self._is_on = is_on
        self._to_renew: set[str] = set()
        redis.on_return(self._renew)
        self._making: dict[_Making, asyncio.Task[bytes]] = {}
        self._looking: Grouping[_Look, Found | None] = Grouping(self._look_together, most=_LOOKED_AT_ONCE)
        self._counters: dict[tuple[str, Outcome], Counter] = {}

    async def answer(self, wanted: Wanted, make: Make, person: Person | None = None) -> bytes:
        """The answer that is kept and holds, else what `make` returns; what it raises is raised and not kept."""
        if not self._is_on(person):
            self._count(wanted, "switched_off")
            return await make()
        found = await self._look(wanted)
        if found is None:
            self._count(wanted, "without_redis")
            return await make()
        if found.body is not None:
            self._count(wanted, "hit")
            return found.body
        # By the tokens, too: who asks after a change does not wait for an answer from before it.
        making = (wanted.place.key, found.tokens, wanted.stamp)
        task = self._making.get(making)
        if task is None:
            task = asyncio.create_task(self._make(wanted, found.tokens, make))
            self._making[making] = task
            task.add_done_callback(lambda _: self._making.pop(making, None))
        else:
            self._count(wanted, "shared")
        # A client that goes away takes nothing from the others who wait.
        return await asyncio.shield(task)

    async def invalidate(self, noun: str, user_ids: Iterable[UUID]) -> None:
        """Nothing that was made from this of these people holds any longer."""
        await self.make_void(tag_of(noun, user_id) for user_id in user_ids)

    async def make_void(self, tags: Iterable[str]) -> None:
        """Nothing that has one of these tags holds any longer. What Redis cannot be told now it is told first of all
        when it is back."""
        self._to_renew.update(tags)
        if self._to_renew:
            await self._redis.attempt(self._renew, otherwise=None)

    async def _renew(self, client: Redis) -> None:
        while some := list(islice(self._to_renew, _RENEWED_AT_ONCE)):
            async with client.pipeline(transaction=False) as pipe:
                for tag in some:
                    renew(pipe, tag)
                await pipe.execute()
            self._to_renew.difference_update(some)

    async def finish(self) -> None:
        """Wait for what is being made."""
        await asyncio.gather(*self._making.values(), return_exceptions=True)

    async def _make(self, wanted: Wanted, tokens: bytes, make: Make) -> bytes:
        turn = f"{wanted.place.key}:turn:{tokens.hex()}:{crc32(wanted.stamp)}"
        if not await self._take_turn(turn):
            body = await self._await_other(wanted, tokens)
            if body is not None:
                self._count(wanted, "shared")
                return body
        self._count(wanted, "made")
        try:
            body = await make()
        except BaseException:
            await self._redis.attempt(lambda client: client.delete(turn), otherwise=0)
            raise

        async def put(client: Redis) -> None:
            async with client.pipeline(transaction=False) as pipe:
                if len(body) <= _MOST_BYTES:
                    keep(pipe, wanted.place, tokens, body, seconds=wanted.seconds, stamp=wanted.stamp)
                pipe.delete(turn)
                await pipe.execute()

        await self._redis.attempt(put, otherwise=None)
        return body

    async def _look(self, wanted: Wanted) -> Found | None:
        """What Redis has; None when it does not answer."""
        return await self._looking.ask((wanted.place, wanted.stamp))

    async def _look_together(self, wanted: Sequence[_Look]) -> Sequence[Found | None]:
        places = list(dict.fromkeys(wanted))
        found = await self._redis.attempt(lambda client: look_up_many(client, places), otherwise=None)
        if found is None:
            return [None] * len(wanted)
        by_place = dict(zip(places, found, strict=True))
        return [by_place[place] for place in wanted]

    async def _take_turn(self, turn: str) -> bool:
        milliseconds = round(_TURN_SECONDS * 1000)

        async def take(client: Redis) -> bool:
            return bool(await client.set(turn, 1, nx=True, px=milliseconds))

        return await self._redis.attempt(take, otherwise=True)

    async def _await_other(self, wanted: Wanted, tokens: bytes) -> bytes | None:
        """What another worker makes from the same; None when it takes too long, or something changed meanwhile."""
        until = time.monotonic() + _WAIT_SECONDS
        while time.monotonic() < until:
            await asyncio.sleep(_LOOK_SECONDS)
            found = await self._look(wanted)
            if found is None or found.tokens != tokens:
                return None
            if found.body is not None:
                return found.body
        return None

    def _count(self, wanted: Wanted, outcome: Outcome) -> None:
        # Looked up by its labels once: that takes longer than to count.
        counter = self._counters.get((wanted.endpoint, outcome))
        if counter is None:
            counter = self._counters[wanted.endpoint, outcome] = ANSWERS.labels(wanted.endpoint, outcome)
        counter.inc()
