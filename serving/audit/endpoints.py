"""`/api/v1/auth/activity` and `/api/v1/admin/audit`: what was done to one's own account, and who did what to whom."""

from __future__ import annotations

from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Query

from serving.audit.schemas import ActionName, ActivityRead, AuditRead
from serving.audit.trail import Wanted, list_rows
from serving.auth.people import Person
from serving.dependencies import CurrentWork, Owner, person_who_may
from serving.openapi import problems
from serving.pagination import SORT, Limit, Order, Page, cursor_query, cut_page
from serving.parameters import Instant
from serving.paths import API, AUTH
from serving.strict_routes import StrictRoute

router = APIRouter(route_class=StrictRoute)
Auditor = Annotated[Person, person_who_may("audit:read")]
Since = Annotated[Instant | None, Query(description="Only from then on", examples=["2026-03-29T00:00:00Z"])]
Sort = Annotated[Literal["-at", "at"], SORT]


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
    sort: Sort = "-at",
    cursor: Annotated[str | None, cursor_query("-at")] = None,
    limit: Limit = 100,
) -> Page[ActivityRead]:
    """What was done to your account, by you, your programs or an administrator; the latest first by default."""
    wanted = Wanted(subject_user_id=person.user_id, since=since)
    order = Order.of(sort, cursor)
    found = await list_rows(work.connection, wanted, order, limit + 1)
    rows, next_cursor = cut_page(found, limit, order, key="audit_id")
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
    sort: Sort = "-at",
    cursor: Annotated[str | None, cursor_query("-at")] = None,
    limit: Limit = 100,
) -> Page[AuditRead]:
    """Who did what to whom, the latest first unless you say otherwise."""
    wanted = Wanted(subject_user_id, actor_id, action, since)
    order = Order.of(sort, cursor)
    found = await list_rows(work.connection, wanted, order, limit + 1)
    rows, next_cursor = cut_page(found, limit, order, key="audit_id")
    return Page(items=[AuditRead.of(row) for row in rows], next_cursor=next_cursor)
