"""The one text of a JSON value, of which a body hash is taken.

It must never change: every event that is sent again would be a conflict instead of a duplicate.
"""

from __future__ import annotations

import json
import re
from typing import Any, Final

import orjson

_ENCODER: Final = json.JSONEncoder(sort_keys=True, separators=(",", ":"))
# Looks for the rarer letter first: as `[0-9]e` it takes three times as long over a text full of digits.
_EXPONENT: Final = re.compile(rb"e(?<=[0-9]e)")


def canonical(value: Any) -> bytes:
    """What Python's own encoder writes of a JSON value: keys sorted, no blanks, nothing but ASCII.

    A quicker library writes the same except for very small and large numbers and for what is not printable ASCII.
    """
    try:
        written = orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
    except orjson.JSONEncodeError:
        # A whole number of more than 64 bits, or half of a surrogate pair.
        return _plainly(value)
    if not written.isascii() or b"\x7f" in written or b"0.0000" in written or _EXPONENT.search(written):
        return _plainly(value)
    return written


def _plainly(value: Any) -> bytes:
    return _ENCODER.encode(value).encode()
