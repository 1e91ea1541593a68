"""Batches: many events in one request, taken in as they come, each with its own outcome.

While two parts are on their way into Postgres the next one is read and judged; more is not held in memory, and a
client that sends faster than that is slowed down by its own connection. A part is one transaction; that of the last
one keeps the answer too, where there is a key. Two at once, because
with one Postgres would wait while Python writes down its rows, and Python for the disk. What ends a batch too early (a
limit, a slow or vanished client, a body that makes no sense from some place on) does not undo the parts before it: the
answer says what became of each event. Sent again, those are duplicates.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections import deque
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

import psycopg
import structlog
from fastapi import Request
from starlette.requests import ClientDisconnect

from aurora.errors import AuroraError
from aurora.events.acceptance import AcceptedEvent, Rejected
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
from serving.events.judging import Judge
from serving.events.lines import lines
from serving.events.parts import Parts, numbered, told
from serving.events.reading import events_in, read_line
from serving.idempotency import Answer, digest_of, find_answers
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
    held_back: int = 0
    """So many events stay for the last part, so that it is never empty: the answer is kept with it."""
    kept: Answer | AuroraError | None = None
    """What the key of the batch got: its answer, or that of a twin that was there first."""

    @property
    def part_size(self) -> int:
        """How many waiting events are worth a transaction now."""
        under_way = sum(not part.task.done() for part in self.storing)
        return (SMALL_PART, MIDDLE_PART, PART)[min(under_way, PARTS_AT_ONCE)]


class Batches:
    """Takes batches in."""

    def __init__(self, database: Database, kept: KeptAnswers, judge: Judge, options: ApiOptions) -> None:
        self._database = database
        self._kept = kept
        self._judge = judge
        self._options = options
        self._parts = Parts(database, judge, at_once=options.batches_at_once)
        # Each holds three parts and its answer in memory, one in JSON its body; a deadline frees those of slow clients.
        self._places = asyncio.Semaphore(options.batches_at_once)

    async def receive(self, request: Request, person: Person, key: str | None) -> Answer:
        """Judge and store many events; what became of each."""
        async with self._place():
            if key is not None and (before := await self._answered_before(request, person, key)):
                return before
            body_digest = hashlib.sha256()
            intake = _Intake(person, held_back=0 if key is None else 1)
            try:
                async with asyncio.timeout(self._options.batch_seconds):
                    await self._read(request, intake, body_digest)
                    if key is None:
                        await self._finish(intake)
                    else:
                        digest = digest_of(request, body_digest.digest())
                        await self._finish_once(intake, key, digest)
            except TimeoutError:
                return await self._refuse(intake, BodyTooSlowError(self._options.batch_seconds))
            except (BodyRefusedError, psycopg.OperationalError) as error:
                return await self._refuse(intake, error)
            except ClientDisconnect:
                # Nobody reads the answer. What came as whole events was sent, and is kept.
                return await self._refuse(intake, BatchUnreadableError("the body ended too early"))
            finally:
                await self._kept.invalidate("predictions", [person.user_id])
            return told(intake.items) if intake.kept is None else _given(intake.kept)

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
        cut = len(intake.waiting) - intake.held_back
        part = intake.waiting[:cut]
        ids = frozenset(item.event_id for item in part if not isinstance(item, Rejected))
        # Another version of an event that is on its way has to see it: only so is its outcome certain.
        while len(intake.storing) >= PARTS_AT_ONCE or any(part.ids & ids for part in intake.storing):
            await self._settle_oldest(intake)
        intake.waiting = intake.waiting[cut:]
        intake.storing.append(_Part(asyncio.create_task(self._parts.store(intake.person, part)), ids))

    async def _finish(self, intake: _Intake) -> None:
        """Store what is left."""
        intake.held_back = 0
        try:
            if intake.waiting:
                await self._hand_over(intake)
            while intake.storing:
                await self._settle_oldest(intake)
        finally:
            # One that failed hides what became of those after it; they are not left alone all the same.
            await asyncio.gather(*(part.task for part in intake.storing), return_exceptions=True)

    async def _finish_once(self, intake: _Intake, key: str, digest: bytes) -> None:
        """Store what is left, and with it the answer for whoever sends the batch again."""
        while intake.storing:
            await self._settle_oldest(intake)
        part, intake.waiting = intake.waiting, []

        async def store() -> list[dict[str, Any]]:
            verdicts, intake.kept = await self._parts.store_last(
                intake.person, part, intake.items, key=key, digest=digest
            )
            return verdicts

        intake.storing.append(_Part(asyncio.create_task(store()), frozenset()))
        await self._finish(intake)

    async def _settle_oldest(self, intake: _Intake) -> None:
        """Wait for the oldest part, and take down what became of its events."""
        # Shielded: a deadline that passes meanwhile ends the reading, not what is being stored.
        verdicts = await asyncio.shield(intake.storing[0].task)
        intake.storing.popleft()
        intake.items += numbered(verdicts, len(intake.items))

    async def _refuse(self, intake: _Intake, error: Exception) -> Answer:
        """The problem that ended the batch, with what became of the events before it."""
        try:
            await self._finish(intake)
        except psycopg.OperationalError as away:
            log.warning("batch_cut_short", problem=type(away).__name__, stored=len(intake.items))
            error = away
        if intake.kept is not None:
            # The deadline passed while the last part was being stored: nothing is missing.
            return _given(intake.kept)
        if not intake.items:
            raise error
        what = error.problem if isinstance(error, BodyRefusedError) else "the database went away"
        stored = (
            f"{what}; the first {len(intake.items):,} events were taken in: `items` says what became of each"
        )
        more = told(intake.items).body
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
        return _given(kept[person.user_id, key].reply_to(digest_of(request, body_digest.digest())))


def _events_of(body: bytes) -> Iterator[dict[str, Any] | Rejected]:
    """The events of a batch in JSON; BatchUnreadableError at the place from which on it is none."""
    try:
        yield from events_in(body)
    except ValueError as error:
        raise BatchUnreadableError(str(error)) from None


def _given(reply: Answer | AuroraError) -> Answer:
    if isinstance(reply, AuroraError):
        raise reply
    return reply
