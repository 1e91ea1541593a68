"""Metrics and one log line for each request, and a problem for each error that nobody expected."""

from __future__ import annotations

import time
from functools import lru_cache

import structlog
from asgi_correlation_id import correlation_id
from prometheus_client import Counter, Histogram
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from aurora.telemetry import HTTP_DURATION, HTTP_REQUESTS
from serving.paths import QUIET
from serving.problems import problem_response

log = structlog.get_logger(__name__)


class Measuring:
    """Counts, times and logs; never a payload, never a query string."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = time.perf_counter()
        status = 0

        async def send_and_note(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, send_and_note)
        except Exception as error:
            log.exception("request_failed", request_id=correlation_id.get())
            if status:
                raise
            await problem_response(error)(scope, receive, send_and_note)
        finally:
            self._note(scope, status, time.perf_counter() - began)

    @staticmethod
    def _note(scope: Scope, status: int, seconds: float) -> None:
        endpoint = endpoint_of(scope)
        method = scope["method"] if status != 405 else "OTHER"
        requests, duration = _metrics_of(method, endpoint, status)
        requests.inc()
        duration.observe(seconds)
        if endpoint not in QUIET:
            log.info(
                "request",
                method=method,
                endpoint=endpoint,
                status=status,
                milliseconds=round(seconds * 1000, 1),
                request_id=correlation_id.get(),
                user_id=scope.get("state", {}).get("user_id"),
            )


@lru_cache(maxsize=1024)
def _metrics_of(method: str, endpoint: str, status: int) -> tuple[Counter, Histogram]:
    return HTTP_REQUESTS.labels(method, endpoint, str(status)), HTTP_DURATION.labels(method, endpoint)


def endpoint_of(scope: Scope) -> str:
    """The route's template, never the path: ids would make a label of each person."""
    return str(getattr(scope.get("route"), "path", None) or "unmatched")
