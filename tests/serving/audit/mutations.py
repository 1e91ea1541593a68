"""Every route of the API that changes something, by what it writes into the audit trail, written down once more by
hand: a route that is not here fails.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

import httpx
import psycopg

from aurora.events.ciphertext import seal_text, unwrap
from tests.serving.conftest import DATA_KEY, PASSWORD, Account, a_name, an_event

NEW_PASSWORD: Final = "another sentence that one remembers"
WEBHOOKS: Final = "/api/v1/webhooks"
FLAGS: Final = "/api/v1/admin/feature-flags"


@dataclass
class Situation:
    """Ada, to whom everything can be done, and an administrator."""

    client: httpx.AsyncClient
    owner_url: str
    ada: Account
    admin: Account
    ids: dict[str, object] = field(default_factory=dict)
    links: dict[str, str] = field(default_factory=dict)

    @property
    def address(self) -> str:
        return f"{self.ada.username}@example.org"

    def data_key(self) -> bytes:
        """Ada's."""
        with psycopg.connect(self.owner_url) as connection:
            [(wrapped,)] = connection.execute(
                "select data_key_ciphertext from app.users where user_id = %s", (self.ada.user_id,)
            ).fetchall()
        return unwrap(DATA_KEY, UUID(self.ada.user_id), wrapped)

    async def perform(
        self, route: str, request_id: str, headers: Mapping[str, str] | None = None
    ) -> httpx.Response:
        """Ask for a route as it is meant to be asked."""
        mutation, (method, path) = MUTATIONS[route], route.split(" ")
        account = {"ada": self.ada, "admin": self.admin, "nobody": None}[mutation.who]
        return await self.client.request(
            method,
            path.format(**self.ids),
            json=mutation.body(self),
            headers={"X-Request-ID": request_id, **(account.headers if account else {}), **(headers or {})},
        )

    async def prepare(self) -> Situation:
        """Give Ada one of everything."""
        await self._ask("auth/email", email=self.address, current_password=PASSWORD)
        key = await self._ask("api-keys", name="scale", scopes=["profile:write"])
        made = await self._ask("webhooks", url="https://hooks.example.org/a", event_types=["insights.made"])
        sent = await self._ask(f"webhooks/{made['webhook_id']}/test")
        await self.client.post("/api/v1/events", json=an_event(type="dream.had"), headers=self.ada.headers)
        path = f"{FLAGS}/response-cache"
        await self.client.patch(path, json={"is_on": True}, headers=self.admin.headers)
        letters = await self.client.get("/api/v1/rejected-events", headers=self.ada.headers)
        logins = await self.client.get("/api/v1/auth/sessions", headers=self.ada.headers)
        self.ids = {
            "user_id": self.ada.user_id,
            "session_id": logins.json()["items"][0]["session_id"],
            "key_id": key["key_id"],
            "webhook_id": made["webhook_id"],
            "delivery_id": sent["delivery_id"],
            "flag_name": "response-cache",
            "rejection_id": letters.json()["items"][0]["rejection_id"],
        }
        self.links = {purpose: self._send_link(purpose) for purpose in ("verify", "reset")}
        return self

    async def _ask(self, path: str, **body: Any) -> Any:
        answer = await self.client.post(f"/api/v1/{path}", json=body, headers=self.ada.headers)
        assert answer.is_success, answer.text
        return answer.json()

    def _send_link(self, purpose: str) -> str:
        """What the postman does."""
        token = uuid.uuid4().hex
        sealed = seal_text(self.data_key(), UUID(self.ada.user_id), self.address)
        with psycopg.connect(self.owner_url, autocommit=True) as connection:
            connection.execute(
                "insert into app.email_tokens"
                " (token_hash, user_id, purpose, email_hash, email_ciphertext, expires_at)"
                " values (%s, %s, %s, %s, %s, now() + interval '1 hour')",
                (
                    hashlib.sha256(token.encode()).digest(),
                    self.ada.user_id,
                    purpose,
                    hashlib.sha256(self.address.encode()).digest(),
                    sealed,
                ),
            )
        return token


@dataclass(frozen=True)
class Mutation:
    """What is written down, and how one asks for it."""

    action: str
    who: str = "ada"
    body: Callable[[Situation], dict[str, Any] | None] = lambda _: None
    actor_kind: str = "login"
    is_of_ada: bool = True


MUTATIONS: Final[dict[str, Mutation]] = {
    "POST /api/v1/auth/register": Mutation(
        "account.registered",
        "nobody",
        lambda _: {"username": a_name(), "password": PASSWORD},
        actor_kind="visitor",
        is_of_ada=False,
    ),
    "POST /api/v1/auth/login": Mutation(
        "session.opened", "nobody", lambda here: {"username": here.ada.username, "password": PASSWORD}
    ),
    "POST /api/v1/auth/email/confirm": Mutation(
        "email.confirmed", "nobody", lambda here: {"token": here.links["verify"]}, actor_kind="link"
    ),
    "POST /api/v1/auth/password/reset": Mutation(
        "password.reset",
        "nobody",
        lambda here: {"token": here.links["reset"], "new_password": NEW_PASSWORD},
        actor_kind="link",
    ),
    "POST /api/v1/auth/email": Mutation(
        "email.wanted",
        body=lambda here: {"email": f"new-{here.address}", "current_password": PASSWORD},
    ),
    "POST /api/v1/auth/email/verification": Mutation("email_link.requested"),
    "DELETE /api/v1/auth/me": Mutation("account.deleted", body=lambda _: {"current_password": PASSWORD}),
    "POST /api/v1/auth/logout": Mutation("session.closed"),
    "POST /api/v1/auth/password": Mutation(
        "password.changed",
        body=lambda _: {"current_password": PASSWORD, "new_password": NEW_PASSWORD},
    ),
    "DELETE /api/v1/auth/sessions": Mutation("sessions.closed"),
    "DELETE /api/v1/auth/sessions/{session_id}": Mutation("session.closed"),
    "PATCH /api/v1/auth/me": Mutation("profile.changed", body=lambda _: {"display_name": "Ada"}),
    "POST /api/v1/api-keys": Mutation(
        "api_key.made", body=lambda _: {"name": "clock", "scopes": ["events:read"]}
    ),
    "DELETE /api/v1/api-keys/{key_id}": Mutation("api_key.revoked"),
    "POST /api/v1/rejected-events/{rejection_id}/replay": Mutation("rejected_event.replayed"),
    "POST /api/v1/rejected-events/{rejection_id}/discard": Mutation("rejected_event.discarded"),
    f"POST {WEBHOOKS}": Mutation(
        "webhook.made",
        body=lambda _: {"url": "https://hooks.example.org/b", "event_types": ["events.changed"]},
    ),
    f"PATCH {WEBHOOKS}/{{webhook_id}}": Mutation("webhook.changed", body=lambda _: {"is_enabled": False}),
    f"DELETE {WEBHOOKS}/{{webhook_id}}": Mutation("webhook.deleted"),
    f"POST {WEBHOOKS}/{{webhook_id}}/secret": Mutation("webhook_secret.replaced"),
    f"POST {WEBHOOKS}/{{webhook_id}}/test": Mutation("webhook_test.requested"),
    f"POST {WEBHOOKS}/{{webhook_id}}/deliveries/{{delivery_id}}/retry": Mutation("webhook_delivery.retried"),
    "PATCH /api/v1/admin/users/{user_id}": Mutation("role.given", "admin", lambda _: {"role": "analyst"}),
    "DELETE /api/v1/admin/users/{user_id}/sessions": Mutation("access.withdrawn", "admin"),
    f"PATCH {FLAGS}/{{flag_name}}": Mutation(
        "feature_flag.changed", "admin", lambda _: {"rules": [{"percentage": 10}]}, is_of_ada=False
    ),
    f"DELETE {FLAGS}/{{flag_name}}": Mutation("feature_flag.reset", "admin", is_of_ada=False),
    "POST /api/v1/admin/announcements": Mutation(
        "announcement.made", "admin", lambda _: {"text": "Maintenance at noon."}, is_of_ada=False
    ),
}

NOT_AUDITED: Final[dict[str, str]] = {
    "POST /api/v1/events": "events are their own log",
    "POST /api/v1/events/batch": "events are their own log",
    "POST /api/v1/auth/refresh": "the login goes on; only a token that is used twice is written down",
    "POST /api/v1/auth/password/forgotten": "looks nobody up: there is nobody yet to whom it was done",
    "POST /api/v1/predictions/what-if": "asks, and changes nothing",
    "POST /api/v1/ws/tickets": "changes nothing: a ticket is another spelling of the token, for half a minute",
}
"""Routes that write nothing into the trail, and why."""

WITHOUT_ROUTE: Final = {"refresh_token.reused"}
"""Actions that nobody asks for."""
