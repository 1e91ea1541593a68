"""Work that is done cohort by cohort, each on its own: what breaks one must not cost the others theirs."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

PAUSE_SECONDS: Final = 15.0
"""A service restarting is the usual reason why a second attempt does better."""
_SHOWN: Final = 300

Report = TypeVar("Report")


@dataclass(frozen=True)
class Failure:
    """A cohort whose work ended in an error."""

    work: str
    """What was being done, e.g. "training"."""
    cohort: str
    error: Exception

    @property
    def sentence(self) -> str:
        first, *_ = str(self.error).splitlines() or [""]
        return f"{self.work} for cohort {self.cohort} failed: {type(self.error).__name__}: {first[:_SHOWN]}"


@dataclass(frozen=True)
class Outcome(Generic[Report]):
    """What became of each cohort."""

    reports: tuple[Report, ...]
    failed: tuple[Failure, ...]


def each_on_its_own(
    work: str,
    cohorts: Iterable[str],
    do: Callable[[str], Report],
    *,
    on_failure: Callable[[Failure], None],
    attempts: int = 1,
    pause: Callable[[float], None] = time.sleep,
) -> Outcome[Report]:
    """Do it for all; then again for those that failed, after a pause, until there were so many attempts.

    Where all failed it is no matter of cohorts: there is no second attempt. `on_failure` hears of each that failed.
    """
    reports: list[Report] = []
    left, failed = list(cohorts), list[Failure]()
    for attempt in range(attempts):
        if attempt:
            if not left or not reports:
                break
            pause(PAUSE_SECONDS)
        failed = []
        for cohort in left:
            try:
                reports.append(do(cohort))
            except Exception as error:  # noqa: BLE001  # whatever it is, it is this cohort's
                failed.append(Failure(work, cohort, error))
                on_failure(failed[-1])
        left = [failure.cohort for failure in failed]
    return Outcome(tuple(reports), tuple(failed))
