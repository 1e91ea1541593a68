"""Where a day stands among the person's own days: the input of relative scores, in both readings."""

from __future__ import annotations

from collections.abc import Sequence


def percentile_rank(value: float | None, earlier: Sequence[float]) -> float | None:
    """Per cent of the earlier values that lie below `value`, equal ones counted half. None without either."""
    if value is None or not earlier:
        return None
    below = sum(other < value for other in earlier)
    equal = sum(other == value for other in earlier)
    return 100 * (below + equal / 2) / len(earlier)


def percentile_rank_sql(value: str, earlier: str) -> str:
    """The same as an aggregate over rows that each hold the value and one of the earlier ones."""
    below, equal = (
        f"count(*) filter (where {earlier} < {value})",
        f"count(*) filter (where {earlier} = {value})",
    )
    return f"100 * ({below} + {equal} / 2.0::float8) / nullif(count({earlier}), 0)"
