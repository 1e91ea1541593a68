"""Security headers: every answer has them, errors included, unless the endpoint has set its own."""

from __future__ import annotations

from typing import Final

STRICT: Final = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "accelerometer=(), camera=(), geolocation=(), microphone=()",
    "Strict-Transport-Security": "max-age=31536000; includeSubDomains",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    # An answer of one person must not wait in a shared cache for the next one.
    "Cache-Control": "no-store",
}

_STRICT: Final = [(name.lower().encode(), value.encode()) for name, value in STRICT.items()]
_NAMES: Final = frozenset(name for name, _ in _STRICT)


def missing_headers(own: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    """Those of STRICT that an answer with the headers `own` does not have yet."""
    if _NAMES.isdisjoint([name for name, _ in own]):
        return _STRICT
    names = {name for name, _ in own}
    return [(name, value) for name, value in _STRICT if name not in names]
