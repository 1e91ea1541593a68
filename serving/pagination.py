"""Cursor pagination: a page says where the next one begins, so that new rows do not shift it."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Annotated, Generic, TypeVar
from uuid import UUID

from fastapi import Query
from pydantic import BaseModel, Field

from serving.errors import CursorInvalidError
from serving.parameters import WholeNumber

Item = TypeVar("Item")

NAME = r"^[^\x00]+$"
"""Postgres cannot even look for a NUL character."""

Limit = Annotated[WholeNumber, Query(ge=1, le=500, description="Items on a page")]
CursorText = Annotated[
    str | None, Query(max_length=200, description="`next_cursor` of the page before", examples=[None])
]


class Page(BaseModel, Generic[Item]):
    """One page of a list. `next_cursor` is null on the last one."""

    items: list[Item]
    next_cursor: str | None = Field(default=None, description="Give it as `cursor` to get the next page")


def cut_page(
    found: Sequence[Item], limit: int, place: Callable[[Item], tuple[datetime, UUID]]
) -> tuple[list[Item], str | None]:
    """The items of a page, and the cursor of the next one.

    `found` has one more than `limit` where there is a next page: ask for that many. `place` says by which instant
    and id the list is ordered.
    """
    page = list(found[:limit])
    return page, encode_cursor(*place(page[-1])) if len(found) > limit else None


def encode_cursor(at: datetime, key: UUID) -> str:
    """The place after an item that is ordered by an instant and an id."""
    body = json.dumps([at.isoformat(), str(key)], separators=(",", ":"))
    return base64.urlsafe_b64encode(body.encode()).decode().rstrip("=")


def decode_cursor(cursor: str) -> tuple[datetime, UUID]:
    try:
        body = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        at, key = body
        instant = datetime.fromisoformat(at)
        if instant.tzinfo is None:
            raise CursorInvalidError
        return instant, UUID(key)
    except (binascii.Error, ValueError, TypeError, AttributeError, RecursionError):
        raise CursorInvalidError from None
