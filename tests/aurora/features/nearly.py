"""Equal as two engines can be: both missing, or to nine digits."""

from __future__ import annotations

import math


def nearly_equal(one: float | None, other: float | None) -> bool:
    if one is None or other is None:
        return one is other
    return math.isclose(one, other, rel_tol=1e-9, abs_tol=1e-9)
