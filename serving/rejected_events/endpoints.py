"""`/api/v1/rejected-events`: what was not accepted of a person's own events, and another chance for it."""

from __future__ import annotations

from typing import Annotated, Literal, cast

from fastapi import APIRouter, Path, Query
from fastapi.responses import Response

from aurora.events.acceptance import AcceptedEvent, Rejected
from aurora.events.dead_letters import DeadLetter, Wanted, discard_letter, list_letters, read_letter
from aurora.events.replays import ReplayReport, replay
from aurora.telemetry import EVENTS_RECEIVED
from serving.audit.recording import record
from serving.auth.people import Person
from serving.database import Connection, Work
from serving.dependencies import CurrentWork, Here, Reading, person_alone_who_may, person_who_may
from serving.errors import RejectedEventNotFoundError
from serving.idempotency import MadeOnce
from serving.openapi import problems
from serving.pagination import NAME, SORT, Limit, Order, Page, cursor_query, cut_page
from serving.parameters import WHOLE_NUMBER, YesOrNo
from serving.paths import REJECTED_EVENTS
from serving.rejected_events.schemas import RejectedEventRead, ReplayVerdict
from serving.resources import Resources
from serving.strict_routes import StrictRoute

router = APIRouter(prefix=REJECTED_EVENTS, tags=["rejected-events"], route_class=StrictRoute)
Reader = Annotated[Person, person_alone_who_may("events:read")]
Writer = Annotated[Person, person_who_may("events:write")]
WAY_IN = "replay"
RejectionId = Annotated[int, Path(ge=1, le=2**63 - 1, examples=[4711]), WHOLE_NUMBER]


@router.get("", response_model=Page[RejectedEventRead], responses=problems(400, 401, 403, 422, 503))
async def read_own_rejected_events(
    person: Reader,
    connection: Reading,
    here: Here,
    reason_code: Annotated[
        str | None, Query(max_length=100, pattern=NAME, examples=["unknown_type"], description="Only these")
    ] = None,
    settled: Annotated[YesOrNo, Query(description="Those that were replayed or discarded as well")] = False,  # noqa: FBT002  # a query parameter
    sort: Annotated[Literal["-received_at", "received_at"], SORT] = "-received_at",
    cursor: Annotated[str | None, cursor_query("-received_at")] = None,
    limit: Limit = 100,
) -> Page[RejectedEventRead]:
    """What was not accepted of yours and waits, newest first unless you say otherwise."""
    wanted = Wanted(reason_code=reason_code, user_id=person.user_id, is_waiting=not settled)
    order = Order.of(sort, cursor)
    after = order.values(largest_id=2**63 - 1)
    found = await list_letters(
        connection,
        wanted,
        limit=limit + 1,
        after=(after["after_value"], after["after_id"]) if after else None,
        is_descending=order.is_descending,
    )
    letters, next_cursor = cut_page(found, limit, order, key="rejection_id")
    key = person.data_key(here.system_key)
    return Page(items=[RejectedEventRead.of(letter, key) for letter in letters], next_cursor=next_cursor)


@router.get("/{rejection_id}", response_model=RejectedEventRead, responses=problems(401, 403, 404, 422, 503))
async def read_own_rejected_event(
    rejection_id: RejectionId, person: Reader, connection: Reading, here: Here
) -> RejectedEventRead:
    """One of them, waiting or settled."""
    letter = await _own_letter(connection, rejection_id, person)
    return RejectedEventRead.of(letter, person.data_key(here.system_key))


@router.post(
    "/{rejection_id}/replay",
    response_model=ReplayVerdict,
    response_model_exclude_none=True,
    responses=problems(401, 403, 404, 422, 503),
)
async def replay_own_rejected_event(
    rejection_id: RejectionId, person: Writer, work: CurrentWork, here: Here, once: MadeOnce
) -> Response:
    """Judge it anew, as if it came in now. Repeating it changes nothing."""
    return await once.answer(
        work.connection,
        person.user_id,
        lambda: _replay(rejection_id, person, work, here),
        status=200,
        leave_out_nulls=True,
    )


@router.post(
    "/{rejection_id}/discard", response_model=RejectedEventRead, responses=problems(401, 403, 404, 422, 503)
)
async def discard_own_rejected_event(
    rejection_id: RejectionId, person: Writer, work: CurrentWork, here: Here
) -> RejectedEventRead:
    """You want nothing of it any more: it waits no longer. One that was replayed stays replayed."""
    letter = await _own_letter(work.connection, rejection_id, person, lock=True)
    if letter.is_waiting:
        await discard_letter(work.connection, letter)
        await record(work.connection, "rejected_event.discarded", rejection_id, owner=person.user_id)
    letter = await _own_letter(work.connection, rejection_id, person)
    return RejectedEventRead.of(letter, person.data_key(here.system_key))


async def _replay(rejection_id: int, person: Person, work: Work, here: Resources) -> ReplayVerdict:
    letter = await _own_letter(work.connection, rejection_id, person, lock=True)
    if not letter.is_waiting:
        return ReplayVerdict(outcome="settled")
    report = ReplayReport()
    judged = await replay(work.connection, [letter], here.system_key, report)
    await record(work.connection, "rejected_event.replayed", rejection_id, owner=person.user_id)
    # What was predicted before this event is no longer the answer.
    work.after_commit.append(lambda: here.kept.invalidate("predictions", [person.user_id]))
    verdict = judged[0][1] if judged else "a message of the streams: its operator replays it"
    if isinstance(verdict, AcceptedEvent):
        [outcome] = report.outcomes
        EVENTS_RECEIVED.labels(WAY_IN, outcome).inc()
        return ReplayVerdict.model_validate(
            {
                "outcome": outcome,
                "event_id": verdict.event_id,
                "version": verdict.version,
                "local_date": verdict.local_date,
            }
        )
    if isinstance(verdict, Rejected):
        return ReplayVerdict(outcome="rejected", code=verdict.code, reason=verdict.reason)
    return ReplayVerdict(outcome="left", code=letter.reason_code, reason=cast("str", verdict))


async def _own_letter(
    connection: Connection, rejection_id: int, person: Person, *, lock: bool = False
) -> DeadLetter:
    if lock:
        # Two replays of one letter follow one another: the second finds it settled.
        await connection.execute(
            "select from raw.rejected_events where rejection_id = %s and user_id = %s for update",
            (rejection_id, person.user_id),
        )
    letter = await read_letter(connection, rejection_id, person.user_id)
    if letter is None:
        raise RejectedEventNotFoundError
    return letter
