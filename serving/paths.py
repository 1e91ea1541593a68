"""Where the API lies. Routers name their whole path, so that metrics and logs show it as clients see it."""

from __future__ import annotations

from typing import Final

API: Final = "/api/v1"
AUTH: Final = f"{API}/auth"
PASSWORD: Final = f"{AUTH}/password"
EVENTS: Final = f"{API}/events"
BATCH: Final = f"{EVENTS}/batch"
REJECTED_EVENTS: Final = f"{API}/rejected-events"
WEBHOOKS: Final = f"{API}/webhooks"
LIVE: Final = f"{API}/ws"

LOGIN_PATHS: Final = frozenset({f"{AUTH}/login", f"{AUTH}/register", PASSWORD})
"""Where passwords are tried: a bucket of their own."""

QUIET: Final = frozenset({"/livez", "/readyz", "/startupz", "/metrics"})
"""Asked every few seconds by machines: counted, but neither logged nor limited."""
