"""What follows from an attempt: delivered, once more at some time, or given up; and whether the webhook goes on."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Final, Literal

from serving.webhooks.sending import Answer

BACK_OFF: Final = (
    timedelta(seconds=5),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=5),
    timedelta(hours=10),
    timedelta(hours=14),
    timedelta(hours=20),
    timedelta(hours=24),
)
"""The pauses after the first, second … attempt: those of the Standard Webhooks specification."""

LONGEST_WISH: Final = timedelta(hours=24)
"""A receiver that asks for more time than this with Retry-After does not get it."""
PATIENCE: Final = timedelta(days=5)
"""A webhook to which nothing could be delivered for so long is disabled."""

GONE: Final = 410
_MAY_ASK_FOR_TIME: Final = frozenset({429, 503})

DisabledReason = Literal["owner", "gone", "failing"]


@dataclass(frozen=True)
class Verdict:
    """`next_attempt_at` of what waits on; `disabled` when nothing goes to the webhook from now on."""

    state: Literal["delivered", "waiting", "failed"]
    next_attempt_at: datetime | None = None
    disabled: DisabledReason | None = None


def judge(
    answer: Answer, *, attempts: int, failing_since: datetime | None, now: datetime, chance: float
) -> Verdict:
    """`attempts` counts this one. `chance`, from 0 to 1, spreads the next one over as long as the pause itself.

    Deliveries that failed together do not come back together: a receiver that has just got up is not knocked over.
    """
    if answer.problem is None:
        return Verdict("delivered")
    if answer.status == GONE:
        return Verdict("failed", disabled="gone")
    is_hopeless = failing_since is not None and now - failing_since >= PATIENCE
    disabled: DisabledReason | None = "failing" if is_hopeless else None
    if attempts > len(BACK_OFF):
        return Verdict("failed", disabled=disabled)
    pause = max(BACK_OFF[attempts - 1] * (0.5 + chance), _wished(answer, now))
    return Verdict("waiting", now + pause, disabled)


def _wished(answer: Answer, now: datetime) -> timedelta:
    """The time that the receiver asks for with Retry-After, in seconds or as a date; nothing when it makes no sense."""
    given = (answer.retry_after or "").strip()
    if answer.status not in _MAY_ASK_FOR_TIME or not given:
        return timedelta(0)
    if given.isascii() and given.isdigit():
        return min(timedelta(seconds=int(given[:9])), LONGEST_WISH)
    try:
        until = parsedate_to_datetime(given)
    except ValueError:
        return timedelta(0)
    if until.tzinfo is None:
        until = until.replace(tzinfo=UTC)
    return min(max(until - now, timedelta(0)), LONGEST_WISH)
