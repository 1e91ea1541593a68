"""Who comes, and whether they may: verifies the access token once, then counts the request."""

from __future__ import annotations

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from serving.auth.tokens import AccessToken, TokenReader
from serving.errors import RateLimitExceededError, TokenInvalidError
from serving.paths import LOGIN_PATHS, QUIET
from serving.problems import problem_response
from serving.rate_limits import Bucket, RateLimiter


class RateLimiting:
    """Puts the verified token (or why it is not valid) into the request's state, and counts."""

    def __init__(self, app: ASGIApp, *, tokens: TokenReader, limiter: RateLimiter) -> None:
        self._app = app
        self._tokens = tokens
        self._limiter = limiter

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] in QUIET or scope["method"] == "OPTIONS":
            await self._app(scope, receive, send)
            return
        token = self._token(scope)
        scope.setdefault("state", {})["token"] = token
        bucket, whom = self._whose(scope, token)
        allowance = await self._limiter.take(bucket, whom)

        async def send_with_allowance(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *allowance.headers()]
            await send(message)

        if not allowance.is_allowed:
            refusal = problem_response(RateLimitExceededError(allowance.reset_seconds))
            await refusal(scope, receive, send_with_allowance)
            return
        await self._app(scope, receive, send_with_allowance)

    def _token(self, scope: Scope) -> AccessToken | TokenInvalidError | None:
        scheme, _, credentials = Headers(scope=scope).get("authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            return None
        try:
            return self._tokens.read_access(credentials.strip())
        except TokenInvalidError as error:
            return error

    @staticmethod
    def _whose(scope: Scope, token: AccessToken | TokenInvalidError | None) -> tuple[Bucket, str]:
        if scope["path"] in LOGIN_PATHS:
            return "login", _address(scope)
        if isinstance(token, AccessToken):
            return "user", str(token.user_id)
        return "anonymous", _address(scope)


def _address(scope: Scope) -> str:
    """The peer's address. X-Forwarded-For counts only where uvicorn was told to trust the proxy."""
    client = scope.get("client")
    return client[0] if client else "unknown"
