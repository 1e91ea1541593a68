"""Where the API lies. Routers name their whole path, so that metrics and logs show it as clients see it."""

from __future__ import annotations

from typing import Final

API: Final = "/api/v1"
AUTH: Final = f"{API}/auth"
PASSWORD: Final = f"{AUTH}/password"
EMAIL: Final = f"{AUTH}/email"
ME: Final = f"{AUTH}/me"
EVENTS: Final = f"{API}/events"
BATCH: Final = f"{EVENTS}/batch"
REJECTED_EVENTS: Final = f"{API}/rejected-events"
WHAT_IF: Final = f"{API}/predictions/what-if"
WEBHOOKS: Final = f"{API}/webhooks"
LIVE: Final = f"{API}/ws"

CONFIRM_PAGE: Final = "/confirm-email"
RESET_PAGE: Final = "/reset-password"

LOGIN_ROUTES: Final = frozenset(
    {
        ("POST", f"{AUTH}/login"),
        ("POST", f"{AUTH}/register"),
        ("POST", PASSWORD),
        ("POST", EMAIL),
        ("DELETE", ME),
    }
)
"""Where passwords are tried: a bucket of their own."""

RESET_ROUTES: Final = frozenset(
    {
        ("POST", f"{PASSWORD}/forgotten"),
        ("POST", f"{PASSWORD}/reset"),
        ("POST", f"{EMAIL}/confirm"),
        ("POST", f"{EMAIL}/verification"),
    }
)
"""Where e-mails are asked for and their links are tried: another."""

AI_ROUTES: Final = frozenset({("POST", WHAT_IF)})
"""Where a model is put to work for one request: a third, of each person."""

QUIET: Final = frozenset({"/livez", "/readyz", "/startupz", "/metrics"})
"""Asked every few seconds by machines: counted, but neither logged nor limited."""
