"""The reasons for which something becomes a dead letter: one catalogue for every way in.

A code is for machines and never changes its meaning; the sentence is for people. To add a reason, add it to
`RejectionCode` and to `REASONS`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, get_args

RejectionCode = Literal[
    "invalid_envelope",
    "unknown_type",
    "invalid_payload",
    "naive_timestamp",
    "unknown_time_zone",
    "future_event",
    "ended_before_started",
    "undecodable",
    "too_large",
    "row_expectation",
    "table_expectation",
    "unmapped_user",
    "conflict",
    "effect_failed",
]


@dataclass(frozen=True, slots=True)
class Reason:
    """Why something was set aside, and what helps."""

    code: RejectionCode
    sentence: str
    remedy: str


_ENTRIES: Final = (
    Reason(
        "invalid_envelope",
        "A field of the envelope is missing, has a wrong form, or is not known.",
        "Send it again in the form of docs/events.md; a replay helps when the envelope has learned the field.",
    ),
    Reason(
        "unknown_type",
        "The event's type is not in the catalogue.",
        "Add the type to the catalogue, then replay.",
    ),
    Reason(
        "invalid_payload",
        "The payload does not fit its type: a field is missing, unknown, or out of its plausible range.",
        "Correct the sender or the mapping; replay when it was the catalogue that was wrong.",
    ),
    Reason(
        "naive_timestamp",
        "A time says no offset from UTC, so nobody knows which instant it is.",
        "Send it again with an offset.",
    ),
    Reason(
        "unknown_time_zone",
        "The zone is not an IANA time zone of the pinned data.",
        "Correct the zone; replay when newer zone data know it.",
    ),
    Reason(
        "future_event",
        "It had not happened yet when it was received, and is no appointment.",
        "Set the device's clock; a replay accepts it once its time has come.",
    ),
    Reason(
        "ended_before_started",
        "It ends before it starts.",
        "Correct the sender.",
    ),
    Reason(
        "undecodable",
        "It cannot be read at all: broken JSON, a row cut off, bytes of another encoding.",
        "Correct the sender or the file, then send or import it again.",
    ),
    Reason(
        "too_large",
        "The line or body is longer than the limit.",
        "Split it; only its beginning was kept.",
    ),
    Reason(
        "row_expectation",
        "The row breaks a rule of its mapping.",
        "Correct the file or the mapping's rule, then import the file again.",
    ),
    Reason(
        "table_expectation",
        "The whole table breaks a rule of its mapping.",
        "Correct the file or the mapping, then import the file again.",
    ),
    Reason(
        "unmapped_user",
        "Nobody is known by the name that the row gives, or the person was erased.",
        "Name the person with --user, then import the file again.",
    ),
    Reason(
        "conflict",
        "The log holds this event and version with another body; the first one stays.",
        "A correction needs the next version.",
    ),
    Reason(
        "effect_failed",
        "The event is in the log, but its effect on live state failed.",
        "Mend what failed (`aurora logs streams` says what), then replay: the message is sent again.",
    ),
)

REASONS: Final[dict[str, Reason]] = {entry.code: entry for entry in _ENTRIES}
CODES: Final[tuple[RejectionCode, ...]] = get_args(RejectionCode)
