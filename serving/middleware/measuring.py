"""Metrics and one log line for each request; never a payload, never a query string."""

from __future__ import annotations

from functools import lru_cache

import structlog
from prometheus_client import Counter, Histogram
from starlette.types import Scope

from aurora.telemetry import HTTP_DURATION, HTTP_REQUESTS
from serving.paths import QUIET

log = structlog.get_logger(__name__)


def note_request(scope: Scope, status: int, seconds: float, request_id: str) -> None:
    """Count, time and log one request that was answered."""
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
            request_id=request_id,
            user_id=scope["state"].get("user_id"),
        )


@lru_cache(maxsize=1024)
def _metrics_of(method: str, endpoint: str, status: int) -> tuple[Counter, Histogram]:
    return HTTP_REQUESTS.labels(method, endpoint, str(status)), HTTP_DURATION.labels(method, endpoint)


def endpoint_of(scope: Scope) -> str:
    """The route's template, never the path: ids would make a label of each person."""
    return str(getattr(scope.get("route"), "path", None) or "unmatched")
