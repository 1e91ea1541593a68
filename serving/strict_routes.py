"""Routes that take the query parameters they name, each once, and nothing else.

A misspelt filter that is passed over answers another question than was asked, and nobody notices.
"""

from __future__ import annotations

from collections.abc import Collection
from functools import cached_property
from urllib.parse import parse_qsl

from fastapi.dependencies.utils import get_flat_params
from fastapi.params import Query
from fastapi.routing import APIRoute
from starlette.types import Receive, Scope, Send

from serving.errors import ParameterInvalidError


class StrictRoute(APIRoute):
    """A route of the API: `APIRouter(…, route_class=StrictRoute)`."""

    @cached_property
    def query_names(self) -> tuple[str, ...]:
        """The query parameters that this route takes, as they are written in an address."""
        parameters = get_flat_params(self.dependant)
        return tuple(each.alias for each in parameters if isinstance(each.field_info, Query))

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        # Nothing is looked at where there is no query, nor where the method is refused anyway.
        if scope["query_string"] and scope["method"] in (self.methods or ()):
            check_query(scope["query_string"], self.query_names)
        await super().handle(scope, receive, send)


def check_query(query: bytes, known: Collection[str]) -> None:
    """ParameterInvalidError unless a query names nothing but what is known, and nothing twice."""
    names = [name for name, _ in parse_qsl(query.decode("latin-1"), keep_blank_values=True)]
    if not set(names) <= set(known):
        told = ", ".join(f"`{name}`" for name in known)
        raise ParameterInvalidError(
            f"of query parameters this takes {told}" if known else "this takes no query parameters"
        )
    if len(set(names)) < len(names):
        raise ParameterInvalidError("a query parameter is given once at most")
