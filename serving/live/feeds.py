"""A feed: one line of notices as far as this worker has read it, and the sockets here that follow it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from uuid import UUID

from aurora.notices.log import Head

if TYPE_CHECKING:
    from serving.live.sockets import Socket


@dataclass(eq=False, slots=True)
class Feed:
    """`sockets` have heard everything up to `position`. `holders` counts those as well that still catch up."""

    user_id: UUID
    epoch: str = ""
    position: int = 0
    holders: int = 0
    has_ears: bool = False
    """Whether knocks for it were asked for."""
    sockets: set[Socket] = field(default_factory=set)

    @property
    def head(self) -> Head:
        return Head(self.user_id, self.epoch, self.position)

    def begin_at(self, head: Head | None) -> None:
        """Start to follow the line where it ends now."""
        if head is not None:
            self.epoch, self.position = head.epoch, head.position
