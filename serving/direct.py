"""The busiest routes go straight to their endpoint.

They are registered like all others, so FastAPI documents them; but matching a dozen routers, solving dependencies and
unwinding exit stacks costs several times what such an endpoint does itself. What it needs it asks of the request.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from typing import Any, cast

import psycopg
from fastapi import Request
from fastapi.responses import Response
from fastapi.routing import APIRoute
from starlette.types import ASGIApp, Receive, Scope, Send

from aurora.errors import AuroraError
from serving.problems import answer_error
from serving.strict_routes import check_query

Endpoint = Callable[[Request], Awaitable[Response]]


class Direct:
    """Answers requests for some routes itself, and leaves all others to the application.

    Each of these routes has a path without parameters and an endpoint that takes nothing but the request, of which no
    query is asked.
    """

    def __init__(self, app: ASGIApp, routes: Iterable[APIRoute]) -> None:
        self._app = app
        self._routes = {(method, route.path): route for route in routes for method in route.methods or ()}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        route: Any = scope["type"] == "http" and self._routes.get((scope["method"], scope["path"]))
        if not route:
            await self._app(scope, receive, send)
            return
        # What FastAPI would note, for the metrics and the log.
        scope["route"] = route
        request = Request(scope, receive)
        try:
            if scope["query_string"]:
                check_query(scope["query_string"], ())
            response = await cast("Endpoint", route.endpoint)(request)
        except (AuroraError, psycopg.OperationalError) as error:
            response = await answer_error(request, error)
        await response(scope, receive, send)
