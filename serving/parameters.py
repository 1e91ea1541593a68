"""Times and days of the query, as strict as the document says: Pydantic alone would take `0` for 1970."""

from __future__ import annotations

import re
from datetime import date
from typing import Annotated, Final

from pydantic import BeforeValidator

from aurora.events.envelope import Instant

__all__ = ["Day", "Instant"]

_DAY: Final = re.compile(r"\d{4}-\d\d-\d\d")


def _iso_day(value: object) -> object:
    if isinstance(value, str) and _DAY.fullmatch(value):
        return value
    raise ValueError("a day is written like 2026-03-29")


Day = Annotated[date, BeforeValidator(_iso_day)]
