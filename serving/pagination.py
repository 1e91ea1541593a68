"""Cursor pagination: a page says where the next one begins, so that new rows do not shift it.

A list that can be ordered in several ways takes `sort`, which names a field of its items, with `-` before it for the
last first:

    order = Order.of(sort, cursor)
    found = …  # order.sql("created_at", "user_id") and order.values(), and a limit of one more than is shown
    items, next_cursor = cut_page(found, limit, order, key="user_id")
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Final, Generic, LiteralString, TypeVar
from uuid import UUID

from fastapi import Query
from pydantic import BaseModel, Field

from serving.errors import CursorInvalidError
from serving.parameters import WHOLE_NUMBER

Item = TypeVar("Item")
Place = tuple[datetime | str, UUID]
"""What a list is ordered by: the value of a field, and the id of the item that has it."""

NAME = r"^[^\x00]+$"
"""Postgres cannot even look for a NUL character."""

NEWEST = "-created_at"
"""The order of lists that have one alone."""


@dataclass(frozen=True)
class Order:
    """How a list is ordered, and after which place of it a page begins (None: with the first item)."""

    sort: str
    after: Place | None = None

    @classmethod
    def of(cls, sort: str, cursor: str | None, *, by_text: Sequence[str] = ()) -> Order:
        """By the field that `sort` names, an instant unless it is `by_text`; CursorInvalidError for a cursor of
        another order.
        """
        if not cursor:
            return cls(sort)
        is_text = sort.removeprefix("-") in by_text
        return cls(sort, decode_cursor(cursor, sort, is_text=is_text))

    @property
    def field(self) -> str:
        return self.sort.removeprefix("-")

    @property
    def is_descending(self) -> bool:
        return self.sort.startswith("-")

    def values(self, *, largest_id: int | None = None) -> dict[str, Any]:
        """What the text of `sql` asks for. Ids are UUIDs, or numbers up to `largest_id`."""
        if self.after is None:
            return {}
        value, key = self.after
        return {"after_value": value, "after_id": key if largest_id is None else min(key.int, largest_id)}

    def sql(self, column: LiteralString, key: LiteralString) -> LiteralString:
        """The order by this column, of unique `key`s where it has the same value; before it, which items are left."""
        beyond: LiteralString = "<" if self.is_descending else ">"
        way: LiteralString = "desc" if self.is_descending else "asc"
        # The first half says nothing new, and lets Postgres leave out the partitions of other months.
        begin: LiteralString = (
            f"and {column} {beyond}= %(after_value)s"
            f" and ({column}, {key}) {beyond} (%(after_value)s, %(after_id)s)"
            if self.after
            else ""
        )
        return f"{begin} order by {column} {way}, {key} {way}"


def cut_page(found: Sequence[Item], limit: int, order: Order, *, key: str) -> tuple[list[Item], str | None]:
    """The items of a page, and the cursor of the next one.

    `found` has one more than `limit` where there is a next page: ask for that many. `key` is the attribute that has
    an item's id: a UUID or a number.
    """
    page = list(found[:limit])
    if len(found) <= limit:
        return page, None
    value, place = getattr(page[-1], order.field), getattr(page[-1], key)
    return page, encode_cursor(order.sort, value, UUID(int=place) if isinstance(place, int) else place)


def encode_cursor(sort: str, value: datetime | str, key: UUID) -> str:
    """The place after an item, in a list that is ordered like this."""
    told = value if isinstance(value, str) else value.isoformat()
    body = json.dumps([sort, told, str(key)], separators=(",", ":"), ensure_ascii=False)
    return base64.urlsafe_b64encode(body.encode()).decode().rstrip("=")


def decode_cursor(cursor: str, sort: str, *, is_text: bool = False) -> Place:
    """CursorInvalidError unless it was given by a list that is ordered like this."""
    try:
        body = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        ordered, told, key = body
        if ordered != sort:
            raise CursorInvalidError
        return _text(told) if is_text else _instant(told), UUID(key)
    except (binascii.Error, ValueError, TypeError, AttributeError, RecursionError):
        raise CursorInvalidError from None


def _text(told: str) -> str:
    """ValueError for what Postgres does not take: a NUL, or half of a character."""
    if b"\x00" in told.encode():
        raise ValueError
    return told


def _instant(told: str) -> datetime:
    instant = datetime.fromisoformat(told)
    if instant.tzinfo is None:
        raise ValueError
    return instant


def cursor_example(sort: str) -> str:
    """A cursor of a list that is ordered like this."""
    at, key = "2026-03-29T05:40:00+00:00", "01920f3e-7b1c-7c30-9a51-6f1c3a7d9e20"
    return encode_cursor(sort, datetime.fromisoformat(at), UUID(key))


def cursor_query(sort: str) -> Any:
    """The parameter `cursor` of a list that is ordered like this where nothing else is asked for."""
    return Query(
        max_length=400,
        description="`next_cursor` of the page before. Ask for everything else as you did there",
        examples=[cursor_example(sort)],
    )


SORT: Final = Query(description="The field to order by; with `-` the last comes first")
Limit = Annotated[int, Query(ge=1, le=500, description="Items on a page", examples=[100]), WHOLE_NUMBER]
CursorText = Annotated[str | None, cursor_query(NEWEST)]


class Page(BaseModel, Generic[Item]):
    """One page of a list. `next_cursor` is null on the last one."""

    items: list[Item]
    next_cursor: str | None = Field(
        default=None,
        description="Give it as `cursor` to get the next page",
        examples=[cursor_example(NEWEST)],
    )
