"""Rolling origin: train on what was known at a cut-off, judge on the days after it, step on, repeat.

The cut-off is one of arrival. A label that was given before it but became known after it is in neither part
of that fold's training rows: at the cut-off nobody had it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from aurora.models.baselines import DAY_SECONDS
from aurora.models.metrics import Floats, Ints


@dataclass(frozen=True)
class FoldPlan:
    """How the last days of a cohort are held out. `held_out_days` None judges every day after the first
    window.
    """

    held_out_days: int | None = 28
    step_days: int = 7
    train_window_days: int = 90
    least_train_rows: int = 100
    first_train_days: int = 28


@dataclass(frozen=True)
class Fold:
    """Row numbers of one step: what may be trained on at `cut_off` and what is judged after it."""

    cut_off: float
    train: Ints
    test: Ints


def rolling_origin(as_of: Floats, known_at: Floats, plan: FoldPlan) -> Iterator[Fold]:
    """The folds of these rows, earliest first. Times are seconds. Folds with too little to train on are
    left out.
    """
    if not len(as_of):
        return
    first, end = float(as_of.min()), float(as_of.max()) + 1.0
    earliest = first + plan.first_train_days * DAY_SECONDS
    start = earliest if plan.held_out_days is None else max(earliest, end - plan.held_out_days * DAY_SECONDS)
    step = plan.step_days * DAY_SECONDS
    # Counted back from the end, so that the latest days are always judged by a whole step.
    steps = int(np.ceil((end - start) / step - 1e-9))
    for number in range(steps, 0, -1):
        cut_off, until = max(start, end - number * step), end - (number - 1) * step
        train = training_rows(as_of, known_at, cut_off, plan.train_window_days)
        test = np.flatnonzero((as_of >= cut_off) & (as_of < until))
        if len(train) >= plan.least_train_rows and len(test):
            yield Fold(cut_off, train, test)


def training_rows(as_of: Floats, known_at: Floats, cut_off: float, window_days: int) -> Ints:
    """Rows whose moment lies in the window before the cut-off and whose label was known by then."""
    window = cut_off - window_days * DAY_SECONDS
    return np.flatnonzero((as_of >= window) & (as_of < cut_off) & (known_at <= cut_off))
