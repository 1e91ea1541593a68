"""Routes that will go: what says so in the OpenAPI document, and in each of their answers.

    @router.get("/old", **deprecated(since=date(2027, 1, 1), until=date(2027, 9, 1)))

`Deprecation` (RFC 9745) says since when something better exists, `Sunset` (RFC 8594) when the route goes; `Link` leads
to the page that says what to use instead. The policy is in docs/api.md.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from email.utils import format_datetime
from typing import Any, Final

NOTICE: Final = timedelta(days=180)
"""What people have between the two, at least."""

_PAGE: Final = "/docs"
_SINCE, _UNTIL = "x-deprecated-since", "x-sunset"

DEPRECATION_HEADERS: Final = {
    "Deprecation": ("Since when this route is deprecated, in seconds since 1970 (RFC 9745)", "@1798761600"),
    "Sunset": ("When this route goes (RFC 8594)", "Wed, 01 Sep 2027 00:00:00 GMT"),
    "Link": ("Where to read what to do", f'<{_PAGE}>; rel="deprecation"'),
}
"""What each says, and an example."""


def deprecated(*, since: date, until: date) -> dict[str, Any]:
    """Arguments of a route that goes on the day `until`; ValueError when that is too soon."""
    if until - since < NOTICE:
        raise ValueError(f"people have {NOTICE.days} days from `since` to `until`, at least")
    return {
        "deprecated": True,
        "openapi_extra": {_SINCE: since.isoformat(), _UNTIL: until.isoformat()},
    }


def deprecation_headers(route: Any) -> list[tuple[bytes, bytes]]:
    """The headers of every answer of this route; none unless it is deprecated."""
    if not getattr(route, "deprecated", None):
        return []
    since, until = (_midnight(route.openapi_extra[name]) for name in (_SINCE, _UNTIL))
    return [
        (b"deprecation", f"@{since.timestamp():.0f}".encode()),
        (b"sunset", format_datetime(until, usegmt=True).encode()),
        (b"link", f'<{_PAGE}>; rel="deprecation"'.encode()),
    ]


def _midnight(day: str) -> datetime:
    return datetime.combine(date.fromisoformat(day), time(), UTC)
