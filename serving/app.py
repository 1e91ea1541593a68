"""The application: routers by noun, and what surrounds every request, from the outside to the inside."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final, TypeGuard

from fastapi import FastAPI
from fastapi.routing import APIRoute
from starlette.routing import BaseRoute
from starlette.types import ASGIApp, Receive, Scope, Send

from aurora.settings import Settings, load_settings
from aurora.telemetry import configure_logging
from serving import docs_page, link_pages, problems
from serving.admin import endpoints as admin
from serving.api_keys import endpoints as api_keys
from serving.audit import endpoints as audit
from serving.auth import email_endpoints as auth_by_email
from serving.auth import endpoints as auth
from serving.direct import Direct
from serving.document import completed
from serving.event_types import endpoints as event_types
from serving.events import endpoints as events
from serving.features import endpoints as features
from serving.flags import endpoints as feature_flags
from serving.health import endpoints as health
from serving.live import endpoints as live
from serving.middleware.rate_limiting import Gate
from serving.middleware.surroundings import Surroundings
from serving.models import endpoints as models
from serving.options import ApiOptions
from serving.paths import API, LIVE
from serving.patterns import endpoints as patterns
from serving.predictions import endpoints as predictions
from serving.rejected_events import endpoints as rejected_events
from serving.resources import Resources
from serving.scores import endpoints as scores
from serving.timeline import endpoints as timeline
from serving.webhooks import endpoints as webhooks

# Events first: a request is matched against one route after the other.
NOUNS: Final = (
    events,
    auth,
    auth_by_email,
    api_keys,
    rejected_events,
    event_types,
    timeline,
    features,
    scores,
    predictions,
    patterns,
    models,
    webhooks,
    live,
    admin,
    feature_flags,
    audit,
)

DIRECT: Final = frozenset(
    {
        events.receive_event,
        predictions.predict_energy,
        predictions.predict_mood,
        scores.read_latest_scores,
    }
)
"""Endpoints that go past FastAPI's layers."""

DESCRIPTION: Final = """
From the events of a life to features, scores and predictions.

Register, log in, put the access token behind **Authorize**, and post an event. Every error is a problem
(RFC 9457) with a stable `code`. Where the operator wants confirmed e-mail addresses, all but `/api/v1/auth` answers
403 (`email-unverified`) to who has none. What the WebSocket says stands in [asyncapi.json](/api/v1/asyncapi.json); the
tutorial is `docs/api.md` of the project.
"""


class Api(FastAPI):
    """FastAPI for requests; the WebSocket goes past it."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket" and scope["path"] == LIVE:
            scope["app"] = self
            await live.open_socket(scope, receive, send)
            return
        await super().__call__(scope, receive, send)

    def build_middleware_stack(self) -> ASGIApp:
        """What surrounds every request, then the direct routes, then FastAPI's own layers."""
        resources: Resources = self.state.resources
        direct = [route for part in NOUNS for route in part.router.routes if _is_direct(route)]
        return Surroundings(
            Direct(super().build_middleware_stack(), direct),
            gate=Gate(resources.tokens, resources.keys, resources.quotas, resources.limiter),
            hosts=resources.hosts,
            replica=resources.replica,
            options=resources.options,
        )


def _is_direct(route: BaseRoute) -> TypeGuard[APIRoute]:
    return isinstance(route, APIRoute) and route.endpoint in DIRECT


def create_app(settings: Settings | None = None, options: ApiOptions | None = None) -> FastAPI:
    """The API of one worker. Without arguments both are read from the environment, as uvicorn calls it."""
    if settings is None:
        settings = load_settings()
        configure_logging("serving", settings.log_level, is_busy=True)
    options = options or ApiOptions()
    resources = Resources.of(settings, options)

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        async with resources.open():
            yield

    app = Api(
        title="AURORA_LIFE",
        version="1",
        description=DESCRIPTION,
        license_info={"name": "Apache License 2.0", "identifier": "Apache-2.0"},
        servers=[{"url": "/", "description": "Where this document comes from"}],
        openapi_url=f"{API}/openapi.json",
        docs_url=None,
        redoc_url=None,
        lifespan=lifespan,
    )
    app.state.resources = resources
    problems.install(app)
    for part in (*NOUNS, health, docs_page, link_pages):
        app.router.routes.extend(part.router.routes)
    _complete_openapi(app)
    return app


def _complete_openapi(app: FastAPI) -> None:
    """Add what FastAPI does not see of the routes; it keeps the result."""
    generate = app.openapi

    def openapi() -> dict[str, Any]:
        return generate() if app.openapi_schema else completed(generate(), app.routes)

    app.openapi = openapi  # type: ignore[method-assign]
