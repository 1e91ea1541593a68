"""Train cohort by cohort, each on its own: what breaks one must not cost the others their models."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

from pipelines.training.training import TrainingReport

PAUSE_SECONDS: Final = 15.0
"""MLflow restarting is the usual reason why a second attempt does better."""
_SHOWN: Final = 300


@dataclass(frozen=True)
class FailedTraining:
    """A cohort whose training ended in an error."""

    cohort: str
    error: Exception

    @property
    def sentence(self) -> str:
        first, *_ = str(self.error).splitlines() or [""]
        return f"training for cohort {self.cohort} failed: {type(self.error).__name__}: {first[:_SHOWN]}"


@dataclass(frozen=True)
class Trained:
    """What became of each cohort."""

    reports: tuple[TrainingReport, ...]
    failed: tuple[FailedTraining, ...]


def train_each(
    cohorts: Iterable[str],
    train: Callable[[str], TrainingReport],
    *,
    on_failure: Callable[[FailedTraining], None],
    attempts: int = 1,
    pause: Callable[[float], None] = time.sleep,
) -> Trained:
    """Train all; then those again that failed, after a pause, until there were so many attempts.

    Where all failed it is no matter of cohorts: there is no second attempt. `on_failure` hears of each that failed.
    """
    reports: list[TrainingReport] = []
    left, failed = list(cohorts), list[FailedTraining]()
    for attempt in range(attempts):
        if attempt:
            if not left or not reports:
                break
            pause(PAUSE_SECONDS)
        failed = []
        for cohort in left:
            try:
                reports.append(train(cohort))
            except Exception as error:  # noqa: BLE001  # whatever it is, it is this cohort's
                failed.append(FailedTraining(cohort, error))
                on_failure(failed[-1])
        left = [failure.cohort for failure in failed]
    return Trained(tuple(reports), tuple(failed))
