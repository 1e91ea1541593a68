"""Where a socket begins: at the end of its lines, or at its cursor when everything after that is still kept."""

from __future__ import annotations

from typing import Final, cast
from uuid import UUID

from aurora.notices.log import EVERYBODY, Connection, Head, oldest_position, read_heads
from serving.live.cursors import Cursor, Place
from serving.live.messages import ResyncReason

MOST_MISSED: Final = 10_000
"""Who missed more is quicker with the API."""


async def read_lines(connection: Connection, user_id: UUID) -> tuple[Head, Head]:
    """The ends of a person's line and of everybody's."""
    heads = await read_heads(connection, [user_id, EVERYBODY])
    return (
        heads.get(user_id, Head(user_id, "", 0)),
        heads.get(EVERYBODY, Head(EVERYBODY, "", 0)),
    )


async def judge(
    connection: Connection, cursor: Cursor | None, own: Head, everybody: Head
) -> ResyncReason | None:
    """Why this cursor cannot be resumed from, or None when it can."""
    if cursor is None:
        return "cursor-unknown"
    for place, head in ((cursor.own, own), (cursor.everybody, everybody)):
        reason = await _judge(connection, place, head)
        if reason is not None:
            return cast("ResyncReason", reason)
    return None


async def _judge(connection: Connection, place: Place, head: Head) -> str | None:
    # Without an epoch nothing had been told yet: what is there now came after.
    is_same_line = place.epoch == head.epoch or (not place.epoch and place.position == 0)
    if not is_same_line or place.position > head.position:
        return "cursor-unknown"
    missed = head.position - place.position
    if missed == 0:
        return None
    oldest = await oldest_position(connection, head.user_id)
    if missed > MOST_MISSED or oldest is None or oldest > place.position + 1:
        return "cursor-too-old"
    return None
