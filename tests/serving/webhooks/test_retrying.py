"""What follows from an attempt."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from serving.webhooks.retrying import BACK_OFF, LONGEST_WISH, PATIENCE, Verdict, judge
from serving.webhooks.sending import Answer

NOW = datetime(2026, 11, 25, 9, 30, tzinfo=UTC)
DOWN = Answer(problem="unreachable")


def judged(
    answer: Answer, attempts: int = 1, failing_for: timedelta | None = None, chance: float = 0.5
) -> Verdict:
    since = None if failing_for is None else NOW - failing_for
    return judge(answer, attempts=attempts, failing_since=since, now=NOW, chance=chance)


def pause(verdict: Verdict) -> timedelta:
    assert verdict.next_attempt_at is not None
    return verdict.next_attempt_at - NOW


def test_what_was_delivered_is_done() -> None:
    assert judged(Answer.of(204), failing_for=PATIENCE * 2) == Verdict("delivered")


def test_pauses_grow_over_days_and_then_it_is_given_up() -> None:
    pauses = [pause(judged(DOWN, attempts)) for attempts in range(1, len(BACK_OFF) + 1)]

    assert pauses == sorted(pauses) == list(BACK_OFF)
    assert timedelta(days=3) < sum(pauses, timedelta()) < timedelta(days=4)
    assert judged(DOWN, len(BACK_OFF) + 1) == Verdict("failed")


@pytest.mark.parametrize("attempts", range(1, len(BACK_OFF) + 1))
def test_what_failed_together_comes_back_over_as_long_as_the_pause(attempts: int) -> None:
    earliest, latest = (pause(judged(DOWN, attempts, chance=chance)) for chance in (0.0, 1.0))

    assert latest - earliest == BACK_OFF[attempts - 1]
    assert earliest == BACK_OFF[attempts - 1] / 2


def test_gone_ends_the_webhook_at_once() -> None:
    assert judged(Answer.of(410)) == Verdict("failed", disabled="gone")


def test_a_webhook_that_fails_for_five_days_is_disabled_and_what_waits_waits_on() -> None:
    assert judged(DOWN, failing_for=PATIENCE - timedelta(seconds=1)).disabled is None

    verdict = judged(DOWN, failing_for=PATIENCE)
    assert (verdict.state, verdict.disabled) == ("waiting", "failing")


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize(
    ("asked", "given"),
    [
        ("120", timedelta(seconds=120)),
        ("Wed, 25 Nov 2026 09:40:00 GMT", timedelta(minutes=10)),
        ("Wed, 25 Nov 2026 09:40:00 -0000", timedelta(minutes=10)),
        ("999999999999999999", LONGEST_WISH),
        ("Fri, 25 Nov 2050 09:40:00 GMT", LONGEST_WISH),
        ("1", BACK_OFF[0]),
        ("Wed, 25 Nov 2020 09:40:00 GMT", BACK_OFF[0]),
        ("-5", BACK_OFF[0]),
        ("soon", BACK_OFF[0]),
        ("٣", BACK_OFF[0]),
    ],
)
def test_a_receiver_may_ask_for_more_time_within_bounds(status: int, asked: str, given: timedelta) -> None:
    assert pause(judged(Answer.of(status, asked))) == given


def test_of_other_answers_the_wish_for_time_is_not_heard() -> None:
    assert pause(judged(Answer.of(500, "3600"))) == BACK_OFF[0]
