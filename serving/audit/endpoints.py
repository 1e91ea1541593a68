"""`/api/v1/auth/activity` and `/api/v1/admin/audit`: what was done to one's own account, and who did what to whom."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query

from serving.audit.chain import AuditRow
from serving.audit.schemas import ActionName, ActivityRead, AuditRead
from serving.audit.trail import Wanted, list_rows
from serving.auth.people import Person
from serving.dependencies import CurrentWork, Owner, person_who_may
from serving.openapi import problems
from serving.pagination import CursorText, Limit, Page, cut_page, decode_cursor
from serving.parameters import Instant
from serving.paths import API, AUTH
from serving.strict_routes import StrictRoute

router = APIRouter(route_class=StrictRoute)
Auditor = Annotated[Person, person_who_may("audit:read")]
Since = Annotated[Instant | None, Query(description="Only from then on", examples=[None])]
_LARGEST_ID = 2**63 - 1


@router.get(
    f"{AUTH}/activity",
    tags=["auth"],
    response_model=Page[ActivityRead],
    responses=problems(400, 401, 403, 422, 503),
)
async def read_activity(
    person: Owner,
    work: CurrentWork,
    since: Since = None,
    cursor: CursorText = None,
    limit: Limit = 100,
) -> Page[ActivityRead]:
    """What was done to your account, the latest first: by you, by your programs, or by an administrator."""
    wanted = Wanted(subject_user_id=person.user_id, since=since, before=_place(cursor))
    rows, next_cursor = _cut(await list_rows(work.connection, wanted, limit + 1), limit)
    return Page(items=[ActivityRead.of(row, person.user_id) for row in rows], next_cursor=next_cursor)


@router.get(
    f"{API}/admin/audit",
    tags=["admin"],
    response_model=Page[AuditRead],
    responses=problems(400, 401, 403, 422, 503),
)
async def read_audit(
    _person: Auditor,
    work: CurrentWork,
    actor_id: Annotated[UUID | None, Query(description="Only what this person did")] = None,
    subject_user_id: Annotated[UUID | None, Query(description="Only what was done to this person")] = None,
    action: Annotated[ActionName | None, Query(description="Only this", examples=["role.given"])] = None,
    since: Since = None,
    cursor: CursorText = None,
    limit: Limit = 100,
) -> Page[AuditRead]:
    """Who did what to whom, the latest first."""
    wanted = Wanted(subject_user_id, actor_id, action, since, _place(cursor))
    rows, next_cursor = _cut(await list_rows(work.connection, wanted, limit + 1), limit)
    return Page(items=[AuditRead.of(row) for row in rows], next_cursor=next_cursor)


def _cut(found: list[AuditRow], limit: int) -> tuple[list[AuditRow], str | None]:
    return cut_page(found, limit, lambda row: (row.at, UUID(int=row.audit_id)))


def _place(cursor: str | None) -> tuple[datetime, int] | None:
    """The place after a row: when, and its id."""
    if cursor is None:
        return None
    at, key = decode_cursor(cursor)
    return at, min(key.int, _LARGEST_ID)
