"""Local times: which of two instants a wall clock meant, when what it timed says how long it took. Pure."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import product


def placed(started_at: datetime, ended_at: datetime | None, elapsed: timedelta) -> tuple[datetime, datetime]:
    """Start and end as instants that lie `elapsed` apart, as well as the clock allows.

    In the hour that a clock repeats in autumn each wall-clock time happened twice. Of the possible pairs this
    is the one that fits the time that passed; when several do, the earliest. Without an end it is the start and
    what passed.
    """
    if ended_at is None:
        start = started_at.astimezone(UTC)
        return start, start + elapsed
    pairs = product(_readings(started_at), _readings(ended_at))
    return min(pairs, key=lambda pair: abs(pair[1] - pair[0] - elapsed))


def _readings(at: datetime) -> list[datetime]:
    """The instants that a time may mean, the earlier first."""
    return [at.replace(fold=fold).astimezone(UTC) for fold in (0, 1)]
