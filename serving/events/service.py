"""Receiving events: judge each, store what is accepted, keep what is not, tell what became of it."""

from __future__ import annotations

import asyncio
import hashlib
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from typing import Any
from uuid import UUID

from fastapi import Request

from aurora import clock
from aurora.events.acceptance import AcceptedEvent, Rejected, validate
from aurora.events.ciphertext import note_hash_key
from aurora.events.storage import Outcome, store_events, store_rejected
from aurora.telemetry import EVENTS_RECEIVED, EVENTS_REJECTED
from serving.auth.people import Person
from serving.database import Connection, Database
from serving.errors import (
    BatchTooLongError,
    BodyTooSlowError,
    BodyUnreadableError,
    EventConflictError,
    EventRejectedError,
    MediaTypeUnsupportedError,
)
from serving.events.dead_letters import without_note
from serving.events.lines import lines
from serving.events.reading import read_events, read_line, read_object
from serving.events.schemas import BatchVerdict, EventVerdict, ItemVerdict, Verdict
from serving.idempotency import Answer, find_answer, keep_answer, request_digest
from serving.options import ApiOptions
from serving.predictions.cache import PredictionCache
from serving.problems import problem_body, problem_of

WAY_IN = "api"
JUDGED_AT_ONCE = 100
"""Then other requests get a turn: a batch of 10,000 is seconds of work."""


class Receiver:
    """Takes events in, one or many, each with its own outcome."""

    def __init__(
        self, database: Database, predictions: PredictionCache, *, system_key: str, options: ApiOptions
    ) -> None:
        self._database = database
        self._predictions = predictions
        self._system_key = system_key
        self._hash_key = note_hash_key(system_key)
        self._options = options
        # Each holds up to a whole batch in memory; a deadline frees those of slow clients.
        self._batches = asyncio.Semaphore(options.batches_at_once)

    async def receive_one(
        self, connection: Connection, request: Request, body: bytes, person: Person, key: str | None
    ) -> Answer:
        """Judge and store one event. Bad input is an answer, not an exception: the dead letter is kept."""
        digest = request_digest(request, hashlib.sha256(body).digest())
        before = await find_answer(connection, person.user_id, key, digest)
        if before is not None:
            return before
        received = read_object(body)
        judged = self._judge(received, person)
        if isinstance(judged, Rejected):
            await store_rejected(connection, person.user_id, WAY_IN, [self._sealed(judged, person)])
            _count(["rejected"], [judged])
            answer = _refusal(judged)
        else:
            [outcome] = await store_events(connection, [judged], person_key=self._key(person))
            _count([outcome], [])
            answer = _answer(judged, outcome)
        await keep_answer(connection, person.user_id, key, digest, answer)
        return answer

    async def receive_batch(self, request: Request, person: Person, key: str | None) -> Answer:
        """Judge and store many events. Nothing is stored before the whole body is here."""
        async with self._batches:
            body_digest = hashlib.sha256()
            try:
                async with asyncio.timeout(self._options.batch_seconds):
                    judged = await self._judge_batch(request, person, body_digest)
            except TimeoutError:
                raise BodyTooSlowError(self._options.batch_seconds) from None
            digest = request_digest(request, body_digest.digest())
            async with self._database.transaction() as connection:
                answer = await find_answer(connection, person.user_id, key, digest)
                if answer is None:
                    answer = await self._store_batch(connection, person, judged)
                    await keep_answer(connection, person.user_id, key, digest, answer)
            await self.forget_predictions(person.user_id)
            return answer

    async def forget_predictions(self, user_id: UUID) -> None:
        """What was predicted before these events is no longer the answer."""
        await self._predictions.forget(user_id)

    async def _judge_batch(
        self, request: Request, person: Person, body_digest: Any
    ) -> list[AcceptedEvent | Rejected]:
        judged: list[AcceptedEvent | Rejected] = []
        async for received in self._items(request, body_digest):
            if len(judged) >= self._options.max_batch_items:
                raise BatchTooLongError(self._options.max_batch_items)
            judged.append(self._judge(received, person))
            if len(judged) % JUDGED_AT_ONCE == 0:
                await asyncio.sleep(0)
        return judged

    async def _items(self, request: Request, body_digest: Any) -> AsyncIterator[Any]:
        media_type = request.headers.get("content-type", "").split(";")[0].strip().lower()

        async def chunks() -> AsyncIterator[bytes]:
            async for chunk in request.stream():
                body_digest.update(chunk)
                yield chunk

        if media_type in {"application/x-ndjson", "application/ndjson", "application/jsonl"}:
            limit = self._options.max_line_bytes
            async for line in lines(chunks(), limit):
                yield read_line(line, limit)
        elif media_type == "application/json":
            body = b"".join([chunk async for chunk in chunks()])
            try:
                events = read_events(body)
            except ValueError as error:
                raise BodyUnreadableError(str(error)) from None
            for event in events:
                yield event
        else:
            raise MediaTypeUnsupportedError("application/json", "application/x-ndjson")

    def _judge(self, received: Any, person: Person) -> AcceptedEvent | Rejected:
        if isinstance(received, Rejected):
            return received
        if not isinstance(received, dict):
            return Rejected("invalid_envelope", "an event is a JSON object", str(received)[:1000])
        return validate(
            received,
            user_id=person.user_id,
            user_tz=person.tz,
            received_at=clock.now(),
            hash_key=self._hash_key,
        )

    async def _store_batch(
        self, connection: Connection, person: Person, judged: Sequence[AcceptedEvent | Rejected]
    ) -> Answer:
        accepted = [item for item in judged if not isinstance(item, Rejected)]
        rejected = [item for item in judged if isinstance(item, Rejected)]
        outcomes = iter(await store_events(connection, accepted, person_key=self._key(person)))
        await store_rejected(
            connection, person.user_id, WAY_IN, [self._sealed(item, person) for item in rejected]
        )
        items = [
            ItemVerdict(index=index, outcome="rejected", code=item.code, reason=item.reason)
            if isinstance(item, Rejected)
            else ItemVerdict(
                index=index,
                outcome=next(outcomes),
                event_id=item.event_id,
                version=item.version,
                local_date=item.local_date,
            )
            for index, item in enumerate(judged)
        ]
        counts: Counter[Verdict] = Counter(item.outcome for item in items)
        _count([item.outcome for item in items], rejected)
        verdict = BatchVerdict(counts=dict(counts), items=items)
        return Answer(200, verdict.model_dump(mode="json", exclude_none=True))

    def _sealed(self, rejected: Rejected, person: Person) -> Rejected:
        """The rejection without readable free text: a dead letter outlives the person's account."""
        return without_note(rejected, self._key(person), person.user_id)

    def _key(self, person: Person) -> bytes:
        return person.data_key(self._system_key)


def _answer(event: AcceptedEvent, outcome: Outcome) -> Answer:
    if outcome == "conflict":
        error = EventConflictError()
        return Answer(409, problem_body(problem_of(error), str(error)))
    verdict = EventVerdict(
        outcome=outcome, event_id=event.event_id, version=event.version, local_date=event.local_date
    )
    status = 201 if outcome == "accepted" else 200
    return Answer(status, verdict.model_dump(mode="json", exclude_none=True))


def _refusal(rejected: Rejected) -> Answer:
    """What cannot be read is 400, what can be read and is not an event is 422."""
    error = (
        BodyUnreadableError(rejected.reason)
        if rejected.code == "undecodable"
        else EventRejectedError(rejected.code, rejected.reason)
    )
    kind = problem_of(error)
    return Answer(kind.status, problem_body(kind, rejected.reason, reason_code=rejected.code))


def _count(outcomes: Sequence[str], rejected: Sequence[Rejected]) -> None:
    for outcome, number in Counter(outcomes).items():
        EVENTS_RECEIVED.labels(WAY_IN, outcome).inc(number)
    for code, number in Counter(item.code for item in rejected).items():
        EVENTS_REJECTED.labels(code).inc(number)
