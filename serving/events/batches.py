"""Batches: many events in one request, taken in as they come, each with its own outcome.

While two parts are on their way into Postgres the next one is read and judged; more is not held in memory, and a
client that sends faster than that is slowed down by its own connection. A part is one transaction. Two at once, because
with one Postgres would wait while Python writes down its rows, and Python for the disk. What ends a batch too early (a
limit, a slow or vanished client, a body that makes no sense from some place on) does not undo the parts before it: the
answer says what became of each event. Sent again, those are duplicates.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections import Counter, deque
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

import psycopg
import stamina
import structlog
from fastapi import Request
from starlette.requests import ClientDisconnect

from aurora.database.partitions import KnownMonths
from aurora.errors import AuroraError
from aurora.events.acceptance import AcceptedEvent, Rejected
from aurora.events.storage import store_events, store_rejected
from serving.auth.people import Person
from serving.database import Database
from serving.errors import (
    BatchTooLongError,
    BatchUnreadableError,
    BodyRefusedError,
    BodyTooSlowError,
    MediaTypeUnsupportedError,
    TooManyBatchesError,
)
from serving.events.judging import WAY_IN, Judge, count
from serving.events.lines import lines
from serving.events.reading import events_in, read_line
from serving.idempotency import Answer, digest_of, find_answers, keep_answers
from serving.kept_answers import KeptAnswers
from serving.options import ApiOptions
from serving.problem_types import problem_of
from serving.problems import problem_body

NDJSON: Final = frozenset({"application/x-ndjson", "application/ndjson", "application/jsonl"})
PART: Final = 2_000
"""Events of one transaction, at most."""
PARTS_AT_ONCE: Final = 2
SMALL_PART: Final = 500
"""So many are stored at once when nothing of the batch is being stored: nobody waits while there is work."""
MIDDLE_PART: Final = 1_000
"""So many when another part is: less would cost more transactions than it gains."""
JUDGED_AT_ONCE: Final = 50
"""Then other requests get a turn."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class _Part:
    """Some events of a batch that are being stored."""

    task: asyncio.Task[list[dict[str, Any]]]
    """Gives what became of each."""
    ids: frozenset[UUID]


@dataclass
class _Intake:
    """What one batch has come to so far."""

    person: Person
    waiting: list[AcceptedEvent | Rejected] = field(default_factory=list)
    items: list[dict[str, Any]] = field(default_factory=list)
    storing: deque[_Part] = field(default_factory=deque)
    """The parts on their way, the oldest first."""

    @property
    def part_size(self) -> int:
        """How many waiting events are worth a transaction now."""
        under_way = sum(not part.task.done() for part in self.storing)
        return (SMALL_PART, MIDDLE_PART, PART)[min(under_way, PARTS_AT_ONCE)]

    @property
    def counts(self) -> dict[str, int]:
        return dict(Counter(item["outcome"] for item in self.items))


class Batches:
    """Takes batches in."""

    def __init__(self, database: Database, kept: KeptAnswers, judge: Judge, options: ApiOptions) -> None:
        self._database = database
        self._kept = kept
        self._judge = judge
        self._options = options
        self._months = KnownMonths()
        # Each holds three parts and its answer in memory, one in JSON its body; a deadline frees those of slow clients.
        self._places = asyncio.Semaphore(options.batches_at_once)
        # No more connections than one for each batch: the others are for those who read.
        self._writing = asyncio.Semaphore(options.batches_at_once)

    async def receive(self, request: Request, person: Person, key: str | None) -> Answer:
        """Judge and store many events; what became of each."""
        async with self._place():
            if key is not None and (before := await self._answered_before(request, person, key)):
                return before
            body_digest = hashlib.sha256()
            intake = _Intake(person)
            try:
                async with asyncio.timeout(self._options.batch_seconds):
                    await self._read(request, intake, body_digest)
            except TimeoutError:
                return await self._refuse(intake, BodyTooSlowError(self._options.batch_seconds))
            except (BodyRefusedError, psycopg.OperationalError) as error:
                return await self._refuse(intake, error)
            except ClientDisconnect:
                # Nobody reads the answer. What came as whole events was sent, and is kept.
                return await self._refuse(intake, BatchUnreadableError("the body ended too early"))
            finally:
                await self._kept.invalidate("predictions", [person.user_id])
            answer = Answer(200, {"counts": intake.counts, "items": intake.items})
            return await self._keep(request, person, key, body_digest.digest(), answer)

    @asynccontextmanager
    async def _place(self) -> AsyncIterator[None]:
        """A place among the batches that are read at a time; TooManyBatchesError when none becomes free."""
        try:
            async with asyncio.timeout(self._options.batch_wait_seconds):
                await self._places.acquire()
        except TimeoutError:
            raise TooManyBatchesError from None
        try:
            yield
        finally:
            self._places.release()

    async def _read(self, request: Request, intake: _Intake, body_digest: Any) -> None:
        """Take in the whole body."""
        number = 0
        async for some in self._items(request, body_digest):
            for received in some:
                if number >= self._options.max_batch_items:
                    raise BatchTooLongError(self._options.max_batch_items)
                number += 1
                intake.waiting.append(self._judge.judge(received, intake.person))
                if number % JUDGED_AT_ONCE == 0:
                    await asyncio.sleep(0)
                    if len(intake.waiting) >= intake.part_size:
                        await self._hand_over(intake)
        await self._finish(intake)

    async def _items(
        self, request: Request, body_digest: Any
    ) -> AsyncIterator[Iterable[dict[str, Any] | Rejected]]:
        media_type = request.headers.get("content-type", "").split(";")[0].strip().lower()

        async def chunks() -> AsyncIterator[bytes]:
            async for chunk in request.stream():
                body_digest.update(chunk)
                yield chunk

        if media_type in NDJSON:
            limit = self._options.max_line_bytes
            async for some in lines(chunks(), limit):
                yield (read_line(line, limit) for line in some)
        elif media_type == "application/json":
            yield _events_of(b"".join([chunk async for chunk in chunks()]))
        else:
            raise MediaTypeUnsupportedError("application/json", "application/x-ndjson")

    async def _hand_over(self, intake: _Intake) -> None:
        """Let what waits be stored as soon as there is a place for it."""
        ids = frozenset(item.event_id for item in intake.waiting if not isinstance(item, Rejected))
        # Another version of an event that is on its way has to see it: only so is its outcome certain.
        while len(intake.storing) >= PARTS_AT_ONCE or any(part.ids & ids for part in intake.storing):
            await self._settle_oldest(intake)
        part, intake.waiting = intake.waiting, []
        intake.storing.append(_Part(asyncio.create_task(self._store(intake.person, part)), ids))

    async def _finish(self, intake: _Intake) -> None:
        """Store what is left."""
        try:
            if intake.waiting:
                await self._hand_over(intake)
            while intake.storing:
                await self._settle_oldest(intake)
        finally:
            # One that failed hides what became of those after it; they are not left alone all the same.
            await asyncio.gather(*(part.task for part in intake.storing), return_exceptions=True)

    async def _settle_oldest(self, intake: _Intake) -> None:
        """Wait for the oldest part, and take down what became of its events."""
        # Shielded: a deadline that passes meanwhile ends the reading, not what is being stored.
        verdicts = await asyncio.shield(intake.storing[0].task)
        intake.storing.popleft()
        for place, verdict in enumerate(verdicts, len(intake.items)):
            verdict["index"] = place
        intake.items += verdicts

    async def _store(self, person: Person, part: Sequence[AcceptedEvent | Rejected]) -> list[dict[str, Any]]:
        """One part in one transaction. Where it met another one in a circle, again."""
        store = stamina.AsyncRetryingCaller(attempts=5, wait_initial=0.02, wait_max=0.5)
        async with self._writing:
            verdicts = await store(psycopg.errors.DeadlockDetected, self._store_once, person, part)
        rejected = [item for item in part if isinstance(item, Rejected)]
        count((verdict["outcome"] for verdict in verdicts), rejected)
        return verdicts

    async def _store_once(
        self, person: Person, part: Sequence[AcceptedEvent | Rejected]
    ) -> list[dict[str, Any]]:
        events = [item for item in part if not isinstance(item, Rejected)]
        letters = [self._judge.sealed(item, person) for item in part if isinstance(item, Rejected)]
        keys = {person.user_id: self._judge.key(person)} if any(event.note for event in events) else {}
        async with self._database.transaction() as connection:
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

    async def _refuse(self, intake: _Intake, error: Exception) -> Answer:
        """The problem that ended the batch, with what became of the events before it."""
        try:
            await self._finish(intake)
        except psycopg.OperationalError as away:
            log.warning("batch_cut_short", problem=type(away).__name__, stored=len(intake.items))
            error = away
        if not intake.items:
            raise error
        what = error.problem if isinstance(error, BodyRefusedError) else "the database went away"
        stored = (
            f"{what}; the first {len(intake.items):,} events were taken in: `items` says what became of each"
        )
        more = {"counts": intake.counts, "items": intake.items}
        kind = problem_of(error)
        return Answer(kind.status, problem_body(kind, stored, **more))

    async def _answered_before(self, request: Request, person: Person, key: str) -> Answer | None:
        async with self._database.transaction() as connection:
            kept = await find_answers(connection, {(person.user_id, key)})
        if not kept:
            return None
        body_digest = hashlib.sha256()
        async for chunk in request.stream():
            body_digest.update(chunk)
        return _told(kept[person.user_id, key].reply_to(digest_of(request, body_digest.digest())))

    async def _keep(
        self, request: Request, person: Person, key: str | None, body_digest: bytes, answer: Answer
    ) -> Answer:
        """Keep the answer for its key; of two twins that were read at the same time the first one's counts."""
        if key is None:
            return answer
        digest = digest_of(request, body_digest)
        async with self._database.transaction() as connection:
            kept = await find_answers(connection, {(person.user_id, key)})
            if kept:
                return _told(kept[person.user_id, key].reply_to(digest))
            await keep_answers(connection, [(person.user_id, key, digest, answer)])
        return answer


def _events_of(body: bytes) -> Iterator[dict[str, Any] | Rejected]:
    """The events of a batch in JSON; BatchUnreadableError at the place from which on it is none."""
    try:
        yield from events_in(body)
    except ValueError as error:
        raise BatchUnreadableError(str(error)) from None


def _told(reply: Answer | AuroraError) -> Answer:
    if isinstance(reply, AuroraError):
        raise reply
    return reply
