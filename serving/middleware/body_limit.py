"""No body larger than allowed is read, whatever its Content-Length says."""

from __future__ import annotations

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from serving.errors import BodyTooLargeError
from serving.problems import problem_response


class BodyLimit:
    """Answers 413 before the body is read where its length is declared, else as soon as it is exceeded."""

    def __init__(self, app: ASGIApp, *, limit: int, batch_limit: int, batch_path: str) -> None:
        self._app = app
        self._limit = limit
        self._batch_limit = batch_limit
        self._batch_path = batch_path

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        limit = self._batch_limit if scope["path"] == self._batch_path else self._limit
        declared = Headers(scope=scope).get("content-length", "")
        if declared.isdigit() and int(declared) > limit:
            response = problem_response(BodyTooLargeError(limit))
            # The rest of the body stays unread: this connection can carry no further request.
            response.headers["Connection"] = "close"
            await response(scope, receive, send)
            return
        received = 0

        async def receive_within_limit() -> Message:
            nonlocal received
            message = await receive()
            if message["type"] == "http.request":
                received += len(message.get("body", b""))
                if received > limit:
                    raise BodyTooLargeError(limit)
            return message

        await self._app(scope, receive_within_limit, send)
