from __future__ import annotations

from typing import Literal

import pytest
from pydantic import BaseModel

from aurora.flaws import told_location


class Part(BaseModel):
    width: int


class Whole(BaseModel):
    parts: list[Part]
    by_name: dict[Literal["left", "right"], Part]
    by_any_name: dict[str, Part]


@pytest.mark.parametrize(
    ("location", "told"),
    [
        (("parts", 3, "width"), "parts.3.width"),
        (("parts", 3, "secret"), "parts.3"),
        (("by_name", "left", "width"), "by_name.left.width"),
        (("by_name", "secret", "[key]"), "by_name"),
        (("by_any_name", "secret", "width"), "by_any_name"),
        (("secret",), ""),
        ((), ""),
    ],
)
def test_a_location_is_told_up_to_the_first_name_that_the_sender_made_up(
    location: tuple[int | str, ...], told: str
) -> None:
    assert told_location(location, Whole) == told
