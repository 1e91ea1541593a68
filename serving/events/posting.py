"""Single events, in groups: many requests, one transaction, each answered only after the commit.

A commit costs as much for one event as for fifty. Requests that come while a transaction is under way make up the
next one; nobody waits for a clock. What one request asks for cannot harm the others: a login that was closed and a
bad event are answers, a key that somebody else holds is waited for a few milliseconds only, and when the
transaction fails in any other way than by Postgres being away, each of its requests is tried alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, LiteralString
from uuid import UUID

import psycopg
import structlog

from aurora.database.partitions import KnownMonths
from aurora.errors import AuroraError
from aurora.events.acceptance import AcceptedEvent, Rejected
from aurora.events.storage import Outcome, store_events, store_rejected
from serving.auth.errors import EmailUnverifiedError, LoginClosedError
from serving.auth.people import Author, find_authors
from serving.auth.tokens import AccessToken
from serving.database import Connection, Database
from serving.errors import BodyUnreadableError, EventConflictError, EventRejectedError
from serving.events.judging import WAY_IN, Judge, count
from serving.events.reading import read_object
from serving.grouping import Grouping
from serving.idempotency import Answer, find_answers, keep_answers
from serving.kept_answers import KeptAnswers
from serving.problem_types import problem_of
from serving.problems import problem_body

MOST_AT_ONCE: Final = 64
GROUPS_AT_ONCE: Final = 4
"""While some wait for their commit, the next one is judged: on a busy machine a round trip is mostly waiting."""

_PATIENCE: Final = "20ms"
_SHORT_WAIT: Final[LiteralString] = f"set local lock_timeout = '{_PATIENCE}'"
_AWAY: Final = ("08", "57P")
"""SQLSTATEs that say that Postgres is away: trying alone would not help."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Posted:
    """One event as it was posted: by whom, its bytes, and what makes it the same request again."""

    token: AccessToken
    body: bytes
    key: str | None
    digest: bytes
    request_id: str | None = None

    @property
    def login(self) -> tuple[UUID, UUID]:
        return self.token.user_id, self.token.family_id


class TriedTogetherError(AuroraError):
    """The transaction of a group failed; whose fault it was shows when each is tried alone."""


@dataclass
class _Judged:
    """Where each request of a group stands; by its place in the group."""

    people: dict[int, Author] = field(default_factory=dict)
    events: dict[int, AcceptedEvent] = field(default_factory=dict)
    rejected: dict[int, Rejected] = field(default_factory=dict)
    replies: dict[int, Answer | Exception] = field(default_factory=dict)
    outcomes: list[Outcome] = field(default_factory=list)

    def settle(self, place: int, reply: Answer | Exception) -> None:
        """Give this reply, and nothing else."""
        self.replies[place] = reply
        for found in (self.people, self.events, self.rejected):
            found.pop(place, None)


class Posting:
    """Takes single events in."""

    def __init__(
        self, database: Database, kept: KeptAnswers, judge: Judge, *, wants_confirmed: bool = False
    ) -> None:
        self._database = database
        self._wants_confirmed = wants_confirmed
        self._kept = kept
        self._judge = judge
        self._months = KnownMonths()
        self._together: Grouping[Posted, Answer] = Grouping(
            self._receive_together, most=MOST_AT_ONCE, at_once=GROUPS_AT_ONCE
        )

    async def receive(self, posted: Posted) -> Answer:
        """Judge and store one event. Bad input is an answer, not an exception: the dead letter is kept."""
        try:
            return await self._together.ask(posted)
        except TriedTogetherError:
            # In the request's own time: the place of its group is free for others.
            [reply] = await self._receive([posted])
        if isinstance(reply, Exception):
            raise reply
        return reply

    async def finish(self) -> None:
        """Wait for what is under way."""
        await self._together.finish()

    async def _receive_together(self, group: Sequence[Posted]) -> Sequence[Answer | Exception]:
        try:
            return await self._receive(group, is_shared=True)
        except psycopg.OperationalError as error:
            # Without a state the connection is gone. A lock that was not to be had, a deadlock and the like do
            # have one, and are operational errors as well.
            if error.sqlstate is None or error.sqlstate.startswith(_AWAY):
                raise
            problem = error
        except Exception as error:  # noqa: BLE001  # one request's fault must not be the others'
            problem = error
        log.info("group_taken_apart", problem=type(problem).__name__, requests=len(group))
        raise TriedTogetherError from problem

    async def _receive(
        self, group: Sequence[Posted], *, is_shared: bool = False
    ) -> Sequence[Answer | Exception]:
        async with self._database.statements() as connection:
            judged = self._judge_group(
                group, await find_authors(connection, {posted.login for posted in group})
            )
            if judged.rejected or any(posted.key is not None for posted in group):
                async with connection.transaction():
                    if is_shared:
                        await connection.execute(_SHORT_WAIT)
                    await self._answer_again(connection, group, judged)
                    await self._store(connection, group, judged)
            else:
                # One statement, which is a transaction of its own: no round trips to begin and to commit it.
                await self._store(connection, group, judged, patience=_PATIENCE if is_shared else None)
        count([*judged.outcomes, *("rejected" for _ in judged.rejected)], judged.rejected.values())
        await self._kept.invalidate("predictions", {event.user_id for event in judged.events.values()})
        return [judged.replies[place] for place in range(len(group))]

    def _judge_group(self, group: Sequence[Posted], people: Mapping[tuple[UUID, UUID], Author]) -> _Judged:
        """Who is behind each request, and what is to be said of its event."""
        judged = _Judged()
        for place, posted in enumerate(group):
            person = people.get(posted.login)
            if person is None:
                judged.replies[place] = LoginClosedError()
                continue
            if self._wants_confirmed and not person.has_confirmed_email:
                judged.replies[place] = EmailUnverifiedError()
                continue
            judged.people[place] = person
            verdict = self._judge.judge(read_object(posted.body), person)
            if isinstance(verdict, Rejected):
                judged.rejected[place] = self._judge.sealed(verdict, person)
            else:
                judged.events[place] = verdict
        return judged

    async def _answer_again(self, connection: Connection, group: Sequence[Posted], judged: _Judged) -> None:
        """Answer those whose key was answered before, and take them out of what is to be stored."""
        keyed = [
            (posted.token.user_id, posted.key) if posted.key is not None and place in judged.people else None
            for place, posted in enumerate(group)
        ]
        kept = await find_answers(connection, {whose for whose in keyed if whose is not None})
        for place, (posted, whose) in enumerate(zip(group, keyed, strict=True)):
            if whose is None:
                continue
            if before := kept.get(whose):
                judged.settle(place, before.reply_to(posted.digest))
            elif keyed.count(whose) > 1:
                # Twins of one key: the second has to find the answer of the first, so neither comes here.
                judged.settle(place, TriedTogetherError())

    async def _store(
        self, connection: Connection, group: Sequence[Posted], judged: _Judged, *, patience: str | None = None
    ) -> None:
        keys = {
            event.user_id: self._judge.key(judged.people[place])
            for place, event in judged.events.items()
            if event.note
        }
        events = list(judged.events.values())
        judged.outcomes = await store_events(
            connection, events, keys=keys, months=self._months, patience=patience
        )
        for place, rejected in judged.rejected.items():
            user_id = group[place].token.user_id
            await store_rejected(connection, user_id, WAY_IN, [rejected])
            judged.replies[place] = _refusal(rejected, group[place])
        for (place, event), outcome in zip(judged.events.items(), judged.outcomes, strict=True):
            judged.replies[place] = _answer(event, outcome, group[place])
        answers = [
            (posted.token.user_id, posted.key, posted.digest, reply)
            for place, posted in enumerate(group)
            if posted.key is not None
            and place in judged.people
            and isinstance(reply := judged.replies[place], Answer)
        ]
        await keep_answers(connection, answers)


def _answer(event: AcceptedEvent, outcome: Outcome, posted: Posted) -> Answer:
    if outcome == "conflict":
        error = EventConflictError()
        return Answer(409, problem_body(problem_of(error), str(error), request_id=posted.request_id))
    verdict = {
        "outcome": outcome,
        "event_id": str(event.event_id),
        "version": event.version,
        "local_date": event.local_date.isoformat(),
    }
    return Answer(201 if outcome == "accepted" else 200, verdict)


def _refusal(rejected: Rejected, posted: Posted) -> Answer:
    """What cannot be read is 400, what can be read and is not an event is 422."""
    error = (
        BodyUnreadableError(rejected.reason)
        if rejected.code == "undecodable"
        else EventRejectedError(rejected.code, rejected.reason)
    )
    kind = problem_of(error)
    more = {"reason_code": rejected.code, "request_id": posted.request_id}
    return Answer(kind.status, problem_body(kind, rejected.reason, **more))
