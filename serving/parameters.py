"""What parameters are, as strict as the document says.

Pydantic alone would take `0` for 1970, ` +1_0` for 10 and `yes` for true.
"""

from __future__ import annotations

import re
from datetime import date
from typing import Annotated, Final

from pydantic import BeforeValidator

from aurora.events.envelope import Instant

__all__ = ["WHOLE_NUMBER", "Day", "Instant", "YesOrNo"]

_DAY: Final = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_WHOLE: Final = re.compile(r"-?\d+", re.ASCII)
_BOOLEANS: Final = frozenset({"true", "false"})


def _iso_day(value: object) -> object:
    if isinstance(value, str) and _DAY.fullmatch(value):
        return value
    raise ValueError("a day is written like 2026-03-29")


Day = Annotated[date, BeforeValidator(_iso_day)]


def _whole(value: object) -> object:
    if not isinstance(value, str) or _WHOLE.fullmatch(value):
        return value
    raise ValueError("a whole number is written like 100")


WHOLE_NUMBER: Final = BeforeValidator(_whole)
"""Of an `int`, behind its bounds: `Annotated[int, Query(ge=1), WHOLE_NUMBER]`."""


def _true_or_false(value: object) -> object:
    if not isinstance(value, str) or value in _BOOLEANS:
        return value
    raise ValueError("true or false")


YesOrNo = Annotated[bool, BeforeValidator(_true_or_false)]
