"""The catalogue of feature flags: what can be switched while the API runs.

To have something new switched, add a Flag and ask for it where it begins: `here.flags.is_on("…", person)`, or
`check_on`, which refuses. The docs, the routes of administrators and the tests read this list; nothing else lists
flags.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from serving.errors import FeatureFlagUnknownError


@dataclass(frozen=True)
class Flag:
    """One thing that is on or off: `when_off` says in a sentence what happens then."""

    name: str
    when_off: str
    default: bool = True
    is_about_people: bool = True
    """False of what is asked before anybody is known: it is on or off, and takes no rules."""


FLAGS: Final[dict[str, Flag]] = {
    flag.name: flag
    for flag in (
        Flag(
            "registration",
            "Nobody makes an account: `POST /api/v1/auth/register` answers `registration-closed`. "
            "Who has one logs in as before.",
            is_about_people=False,
        ),
        Flag("what-if", "`POST /api/v1/predictions/what-if` answers `feature-off`."),
        Flag("response-cache", "No answer is kept: each is made anew when it is asked for."),
    )
}


def flag_named(name: str) -> Flag:
    """FeatureFlagUnknownError when there is none of this name."""
    if name not in FLAGS:
        raise FeatureFlagUnknownError
    return FLAGS[name]
