"""Who comes, and against which bucket their requests count."""

from __future__ import annotations

from starlette.types import Scope

from serving.auth.tokens import AccessToken, TokenReader
from serving.errors import TokenInvalidError
from serving.paths import LOGIN_ROUTES, RESET_ROUTES
from serving.rate_limits import Bucket


def token_given(authorization: bytes, tokens: TokenReader) -> AccessToken | TokenInvalidError | None:
    """The verified bearer token of an `Authorization` header, or why it is not valid; None when there is none."""
    scheme, _, credentials = authorization.partition(b" ")
    if scheme.lower() != b"bearer":
        return None
    try:
        return tokens.read_access(credentials.strip().decode("latin-1"))
    except TokenInvalidError as error:
        return error


def whose(scope: Scope, token: AccessToken | TokenInvalidError | None) -> tuple[Bucket, str]:
    """The bucket, and whom in it, a request counts against."""
    route = scope["method"], scope["path"]
    if route in LOGIN_ROUTES:
        return "login", _address(scope)
    if route in RESET_ROUTES:
        return "reset", _address(scope)
    if isinstance(token, AccessToken):
        return "user", token.user_text
    return "anonymous", _address(scope)


def _address(scope: Scope) -> str:
    """The peer's address. X-Forwarded-For counts only where uvicorn was told to trust the proxy."""
    client = scope.get("client")
    return client[0] if client else "unknown"
