"""Cursors: how far one socket has heard, in its person's line of notices and in everybody's.

For clients a cursor is opaque. It names the epoch of each line with the position: positions of a line that was
lost and begun anew mean something else.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

_FORM: Final = re.compile(r"([0-9a-f]{8}|)\.([0-9]{1,18})-([0-9a-f]{8}|)\.([0-9]{1,18})")


@dataclass(frozen=True, slots=True)
class Place:
    """A position in one line. The epoch is empty as long as nothing was ever told there."""

    epoch: str
    position: int


@dataclass(frozen=True, slots=True)
class Cursor:
    own: Place
    everybody: Place

    def __str__(self) -> str:
        return f"{self.own.epoch}.{self.own.position}-{self.everybody.epoch}.{self.everybody.position}"


def read_cursor(text: str) -> Cursor | None:
    """The cursor that a client gives back, or None when it is none of ours."""
    found = _FORM.fullmatch(text)
    if found is None:
        return None
    own_epoch, own, everybody_epoch, everybody = found.groups()
    return Cursor(Place(own_epoch, int(own)), Place(everybody_epoch, int(everybody)))
