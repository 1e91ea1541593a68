"""What surrounds every request, in one step from the outside to the inside and one on the way back.

Each of these could be a middleware of its own, and once was. Then every request passed through nine calls and every
answer through nine more, which together cost more than storing an event. The order is the same:

1. the request's id, security headers, metrics, the log line, and a problem for what nobody expected;
2. the host, which has to be one of ours;
3. CORS, when a browser says where it comes from;
4. the access token or API key, verified once, and the rate limit;
5. the limit of the body.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final

import structlog
from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from serving.audit.actors import CALLER
from serving.auth.tokens import AccessToken
from serving.deprecation import DEPRECATION_HEADERS, deprecation_headers
from serving.errors import BodyTooLargeError, HostUnknownError, RateLimitExceededError
from serving.hosts import Hosts
from serving.middleware.body_limit import within_limit
from serving.middleware.measuring import note_request
from serving.middleware.rate_limiting import Gate
from serving.middleware.security_headers import missing_headers
from serving.options import ApiOptions
from serving.paths import BATCH, QUIET
from serving.problems import problem_response
from serving.replica import Replica
from serving.request_ids import REQUEST_ID, request_id_of

ASKED_HEADERS: Final = (
    "Authorization", "Content-Type", "Idempotency-Key", "If-Match", "If-None-Match",
    "X-Request-ID",
)  # fmt: skip
EXPOSED_HEADERS: Final = (
    "ETag", "Idempotency-Replayed", "RateLimit", "RateLimit-Policy", "Retry-After", "X-Request-ID",
    *DEPRECATION_HEADERS,
)  # fmt: skip

_READING: Final = frozenset({"GET", "HEAD", "OPTIONS"})

log = structlog.get_logger(__name__)


class _Reply:
    """The way back of one request: adds the headers that every answer has, and remembers how far it came."""

    __slots__ = ("_request_id", "_scope", "_send", "before_start", "is_complete", "more_headers", "status")

    def __init__(self, scope: Scope, send: Send, request_id: str) -> None:
        self._scope = scope
        self._send = send
        self._request_id = request_id
        self.status = 0
        self.is_complete = False
        self.more_headers: Sequence[tuple[bytes, bytes]] = ()
        self.before_start: Callable[[], Awaitable[None]] | None = None

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            if self.before_start is not None:
                await self.before_start()
            self.status = message["status"]
            own = message["headers"]
            request_id = (b"x-request-id", self._request_id.encode())
            message["headers"] = [
                *own,
                *self.more_headers,
                *deprecation_headers(self._scope.get("route")),
                *missing_headers(own),
                request_id,
            ]
        elif not message.get("more_body"):
            self.is_complete = True
        await self._send(message)


class Surroundings:
    """The outermost of the application."""

    def __init__(
        self, app: ASGIApp, *, hosts: Hosts, gate: Gate, replica: Replica, options: ApiOptions
    ) -> None:
        self._app = app
        self._hosts = hosts
        self._gate = gate
        self._replica = replica
        self._options = options
        self._with_cors = CORSMiddleware(
            self._admit,
            allow_origins=list(options.cors_origins),
            allow_methods=["DELETE", "GET", "PATCH", "POST"],
            allow_headers=ASKED_HEADERS,
            expose_headers=EXPOSED_HEADERS,
            max_age=600,
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = time.perf_counter()
        # Of a header that comes twice the first counts.
        headers = dict(reversed(scope["headers"]))
        request_id = request_id_of(headers.get(b"x-request-id"))
        REQUEST_ID.set(request_id)
        reply = _Reply(scope, send, request_id)
        state: dict[str, Any] = scope.setdefault("state", {})
        state["headers"], state["reply"] = headers, reply
        inner = self._with_cors if b"origin" in headers else self._admit
        try:
            # Probes come by the address of the machine or pod, and learn nothing of anybody.
            if scope["path"] not in QUIET:
                self._hosts.check(headers, scope["headers"])
            await inner(scope, receive, reply.send)
        except HostUnknownError as refusal:
            await problem_response(refusal)(scope, receive, reply.send)
        except Exception as error:
            log.exception("request_failed", request_id=request_id)
            if not reply.status:
                await problem_response(error)(scope, receive, reply.send)
            elif not reply.is_complete:
                raise
        finally:
            note_request(scope, reply.status, time.perf_counter() - began, request_id)

    async def _admit(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request in that may come: its token is read once, it is counted, its body has a limit."""
        headers, path = scope["state"]["headers"], scope["path"]
        if path not in QUIET and scope["method"] != "OPTIONS":
            token, allowance = await self._gate.admit(scope, headers.get(b"authorization", b""))
            scope["state"]["token"] = token
            CALLER.set(token if isinstance(token, AccessToken) else None)
            scope["state"]["reply"].more_headers = allowance.headers()
            if not allowance.is_allowed:
                refusal = problem_response(RateLimitExceededError(allowance.reset_seconds))
                await refusal(scope, receive, send)
                return
        options = self._options
        limit = options.max_batch_bytes if path == BATCH else options.max_body_bytes
        try:
            limited = within_limit(receive, headers.get(b"content-length", b""), limit)
        except BodyTooLargeError as error:
            response = problem_response(error)
            # The rest of the body stays unread: this connection can carry no further request.
            response.headers["Connection"] = "close"
            await response(scope, receive, send)
            return
        token = scope["state"].get("token")
        if scope["method"] not in _READING and isinstance(token, AccessToken):
            # Before and after: whoever reads while it is being written, and whoever reads as soon as it is.
            await self._replica.note_write(token.user_id)
            reply = scope["state"]["reply"]
            reply.before_start = lambda: self._replica.note_write(token.user_id)
        await self._app(scope, limited, send)
