"""Every route of the API by the scope that it takes, written down once more by hand: a route that is not here, or that
takes another scope than is said here, fails.
"""

from __future__ import annotations

from typing import Final

PUBLIC: Final = None

ROUTES: Final[dict[str, str | None]] = {
    "POST /api/v1/auth/register": PUBLIC,
    "POST /api/v1/auth/login": PUBLIC,
    "POST /api/v1/auth/refresh": PUBLIC,
    "POST /api/v1/auth/email/confirm": PUBLIC,
    "POST /api/v1/auth/password/forgotten": PUBLIC,
    "POST /api/v1/auth/password/reset": PUBLIC,
    "POST /api/v1/auth/email": "account",
    "POST /api/v1/auth/email/verification": "account",
    "DELETE /api/v1/auth/me": "account",
    "POST /api/v1/auth/logout": "account",
    "POST /api/v1/auth/password": "account",
    "GET /api/v1/auth/sessions": "account",
    "DELETE /api/v1/auth/sessions": "account",
    "DELETE /api/v1/auth/sessions/{session_id}": "account",
    "GET /api/v1/auth/me": "profile:read",
    "PATCH /api/v1/auth/me": "profile:write",
    "GET /api/v1/api-keys": "account",
    "POST /api/v1/api-keys": "account",
    "DELETE /api/v1/api-keys/{key_id}": "account",
    "POST /api/v1/events": "events:write",
    "POST /api/v1/events/batch": "events:write",
    "GET /api/v1/events": "events:read",
    "GET /api/v1/events/{event_id}": "events:read",
    "GET /api/v1/rejected-events": "events:read",
    "GET /api/v1/rejected-events/{rejection_id}": "events:read",
    "POST /api/v1/rejected-events/{rejection_id}/replay": "events:write",
    "POST /api/v1/rejected-events/{rejection_id}/discard": "events:write",
    "GET /api/v1/timeline": "events:read",
    "GET /api/v1/features/latest": "features:read",
    "GET /api/v1/scores": "scores:read",
    "GET /api/v1/scores/history": "scores:read",
    "GET /api/v1/predictions/energy": "predictions:read",
    "GET /api/v1/predictions/mood": "predictions:read",
    "POST /api/v1/predictions/what-if": "predictions:read",
    "GET /api/v1/patterns": "patterns:read",
    "POST /api/v1/ws/tickets": "live:read",
    "GET /api/v1/models": "models:read",
    "GET /api/v1/admin/users": "users:read",
    "GET /api/v1/admin/users/{user_id}": "users:read",
    "PATCH /api/v1/admin/users/{user_id}": "users:write",
    "DELETE /api/v1/admin/users/{user_id}/sessions": "users:write",
    "POST /api/v1/admin/announcements": "announcements:write",
    "GET /api/v1/event-types": PUBLIC,
    "GET /api/v1/event-types/{name}": PUBLIC,
    "GET /api/v1/features/definitions": PUBLIC,
    "GET /api/v1/scores/definitions": PUBLIC,
    "GET /api/v1/predictions/what-if/changes": PUBLIC,
    "GET /livez": PUBLIC,
    "GET /readyz": PUBLIC,
    "GET /startupz": PUBLIC,
    "GET /metrics": PUBLIC,
}
