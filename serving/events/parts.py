"""Parts of batches on their way into Postgres: each is one transaction, and tells what became of each event."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any, TypeVar

import psycopg
import stamina

from aurora.database.partitions import KnownMonths
from aurora.errors import AuroraError
from aurora.events.acceptance import AcceptedEvent, Rejected
from aurora.events.storage import store_events, store_rejected
from serving.auth.people import Person
from serving.database import Connection, Database
from serving.events.judging import WAY_IN, Judge, count
from serving.idempotency import Answer, find_answers, keep_answers

Items = Sequence[AcceptedEvent | Rejected]
Verdicts = list[dict[str, Any]]
Result = TypeVar("Result")


class Parts:
    """Stores parts of batches."""

    def __init__(self, database: Database, judge: Judge, *, at_once: int) -> None:
        """No more connections than `at_once`: the others are for those who read."""
        self._database = database
        self._judge = judge
        self._months = KnownMonths()
        self._writing = asyncio.Semaphore(at_once)

    async def store(self, person: Person, part: Items) -> Verdicts:
        """One part."""
        verdicts = await self._in_transaction(lambda connection: self._write(connection, person, part))
        _count(part, verdicts)
        return verdicts

    async def store_last(
        self, person: Person, part: Items, earlier: Verdicts, *, key: str, digest: bytes
    ) -> tuple[Verdicts, Answer | AuroraError]:
        """The last part, and in the same transaction the answer to the whole batch for whoever sends it again.

        Where a twin with this key was there first nothing is stored: the twin has stored it, and its answer counts.
        """
        asked = (person.user_id, key)

        async def store(connection: Connection) -> tuple[Verdicts, Answer | AuroraError]:
            before = (await find_answers(connection, [asked])).get(asked)
            if before is not None:
                return [], before.reply_to(digest)
            verdicts = numbered(await self._write(connection, person, part), len(earlier))
            answer = told([*earlier, *verdicts])
            await keep_answers(connection, [(*asked, digest, answer)])
            return verdicts, answer

        verdicts, reply = await self._in_transaction(store)
        if verdicts:
            _count(part, verdicts)
        return verdicts, reply

    async def _in_transaction(self, act: Callable[[Connection], Awaitable[Result]]) -> Result:
        """Do it in one transaction. Where that met another one in a circle, again."""
        retry = stamina.AsyncRetryingCaller(attempts=5, wait_initial=0.02, wait_max=0.5)

        async def once() -> Result:
            async with self._database.transaction() as connection:
                return await act(connection)

        async with self._writing:
            return await retry(psycopg.errors.DeadlockDetected, once)

    async def _write(self, connection: Connection, person: Person, part: Items) -> Verdicts:
        events = [item for item in part if not isinstance(item, Rejected)]
        letters = [self._judge.sealed(item, person) for item in part if isinstance(item, Rejected)]
        keys = {person.user_id: self._judge.key(person)} if any(event.note for event in events) else {}
        outcomes = iter(await store_events(connection, events, keys=keys, months=self._months))
        await store_rejected(connection, person.user_id, WAY_IN, letters)
        return [
            {"outcome": "rejected", "code": item.code, "reason": item.reason}
            if isinstance(item, Rejected)
            else {
                "outcome": next(outcomes),
                "event_id": str(item.event_id),
                "version": item.version,
                "local_date": item.local_date.isoformat(),
            }
            for item in part
        ]


def told(items: Verdicts) -> Answer:
    """The answer to a batch: what became of each event, and how many of each there are."""
    return Answer(200, {"counts": dict(Counter(item["outcome"] for item in items)), "items": items})


def numbered(verdicts: Verdicts, first: int) -> Verdicts:
    """The same, each told its place in the batch."""
    for place, verdict in enumerate(verdicts, first):
        verdict["index"] = place
    return verdicts


def _count(part: Items, verdicts: Iterable[dict[str, Any]]) -> None:
    rejected = [item for item in part if isinstance(item, Rejected)]
    count((verdict["outcome"] for verdict in verdicts), rejected)
