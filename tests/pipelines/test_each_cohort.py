"""One cohort after the other, each on its own."""

from __future__ import annotations

from collections.abc import Callable

from pipelines.each_cohort import PAUSE_SECONDS, Failure, each_on_its_own


class Trainer:
    """Fails for some cohorts, so many times."""

    def __init__(self, **failures: int) -> None:
        self.failures = failures
        self.asked: list[str] = []
        self.told: list[Failure] = []
        self.pauses: list[float] = []

    def __call__(self, cohort: str) -> str:
        self.asked.append(cohort)
        self.failures[cohort] = self.failures.get(cohort, 0) - 1
        if self.failures[cohort] >= 0:
            raise ValueError(f"{cohort} has a hole\nand more")
        return cohort


def trained(trainer: Trainer, *cohorts: str, attempts: int = 2) -> tuple[list[str], list[str]]:
    told: Callable[[Failure], None] = trainer.told.append
    done = each_on_its_own(
        "training", cohorts, trainer, on_failure=told, attempts=attempts, pause=trainer.pauses.append
    )
    return list(done.reports), [failure.sentence for failure in done.failed]


def test_a_cohort_that_fails_once_is_trained_again_and_no_other_is() -> None:
    trainer = Trainer(first=1)

    reports, failed = trained(trainer, "first", "second")

    assert (reports, failed) == (["second", "first"], [])
    assert trainer.asked == ["first", "second", "first"]
    assert trainer.pauses == [PAUSE_SECONDS]
    assert [failure.cohort for failure in trainer.told] == ["first"]


def test_a_cohort_that_keeps_failing_is_told_with_the_first_line_of_its_last_error() -> None:
    reports, failed = trained(Trainer(first=2), "first", "second")

    assert reports == ["second"]
    assert failed == ["training for cohort first failed: ValueError: first has a hole"]


def test_where_all_fail_none_is_tried_again() -> None:
    trainer = Trainer(first=2, second=2)

    reports, failed = trained(trainer, "first", "second")

    assert (reports, len(failed)) == ([], 2)
    assert (trainer.asked, trainer.pauses) == (["first", "second"], [])
