"""Gaps and mishaps: how much of a life never reaches the log, or reaches it late, twice or wrong."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipelines.ingestion.simulator.places import HOUR, Seconds

Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class Mishaps:
    """Shares of days, events or people. They are the simulator's promise to whoever tests against it."""

    not_worn: float = 0.03
    """Days without any sensed event, in runs of one to five."""
    app_unused: float = 0.03
    """Days without any self-report, in runs of two to six."""
    abandoned: float = 0.06
    """People who stop for good in the last 60 % of the window."""
    forgotten: float = 0.02
    """Self-reports that are never made (check-ins have their own diligence)."""
    late: float = 0.03
    """Events that arrive hours to days after the others of their kind would."""
    sent_twice: float = 0.015
    corrected: float = 0.006
    deleted: float = 0.003
    """Events entered by mistake and deleted soon; they are no part of the life."""


MISHAPS = Mishaps()


def draw_gap_days(days: int, share: float, shortest: int, longest: int, stream: np.random.Generator) -> Bools:
    """Days in runs, `share` of them on average."""
    starts = stream.random(days) < share / ((shortest + longest) / 2)
    lengths = stream.integers(shortest, longest + 1, days)
    missing = np.zeros(days, bool)
    for day in np.flatnonzero(starts):
        missing[day : day + lengths[day]] = True
    return missing


def draw_abandonment(starts_at: int, ends_at: int, stream: np.random.Generator) -> int:
    """The instant after which this person records nothing more; the end of the world for most."""
    gives_up, share = stream.random() < MISHAPS.abandoned, stream.uniform(0.4, 1.0)
    return int(starts_at + share * (ends_at - starts_at)) if gives_up else ends_at


def draw_arrivals(known: Seconds, usual_minutes: float, stream: np.random.Generator) -> Seconds:
    """When each event arrives: usually within minutes of being known, a few hours to days late."""
    usual = 5 + stream.exponential(usual_minutes * 60, len(known))
    delay = np.clip(stream.lognormal(np.log(10.0), 1.0, len(known)), 1.0, 96.0) * HOUR
    late = stream.random(len(known)) < MISHAPS.late
    return known + np.where(late, delay, np.minimum(usual, 3 * HOUR)).astype(np.int64)
