"""Who comes, and against which bucket their requests count."""

from __future__ import annotations

import psycopg
from starlette.types import Scope

from serving.auth.keys import Keys, looks_like_key
from serving.auth.logins import Logins
from serving.auth.tokens import AccessToken, TokenReader
from serving.errors import TokenInvalidError
from serving.paths import LOGIN_ROUTES, RESET_ROUTES
from serving.rate_limits import Allowance, Bucket, RateLimiter

Refusal = TokenInvalidError | psycopg.OperationalError
"""Why there is no token: it is none, or nobody can say whose key it is at this moment."""


class Gate:
    """Says who comes, and counts them."""

    def __init__(self, tokens: TokenReader, keys: Keys, logins: Logins, limiter: RateLimiter) -> None:
        self._tokens, self._keys, self._logins, self._limiter = tokens, keys, logins, limiter

    async def admit(
        self, scope: Scope, authorization: bytes
    ) -> tuple[AccessToken | Refusal | None, Allowance]:
        """The token or key of an `Authorization` header, or why it is not valid (None when there is none), and
        what the request found in its bucket.

        A key that this worker does not know yet counts as a stranger's before anybody looks it up: keys cannot be
        tried out faster than the address may come.
        """
        given = _bearer_of(authorization)
        if given is None or not looks_like_key(given):
            token = None if given is None else self._token(given)
            return token, await self._take(scope, token)
        known = self._keys.remembered(given)
        allowance = await self._take(scope, known)
        if known is not None or not allowance.is_allowed:
            return known, allowance
        try:
            return await self._keys.read(given), allowance
        except (TokenInvalidError, psycopg.OperationalError) as refusal:
            return refusal, allowance

    async def _take(self, scope: Scope, token: AccessToken | Refusal | None) -> Allowance:
        """By the person's own quota where this worker remembers them; the first request of all counts as anybody's."""
        person = self._logins.remembered(token) if isinstance(token, AccessToken) else None
        bucket, whom = _whose(scope, token)
        quota = person.requests_per_minute if person and bucket in {"user", "key"} else None
        return await self._limiter.take(bucket, whom, limit=quota)

    def _token(self, given: str) -> AccessToken | TokenInvalidError:
        try:
            return self._tokens.read_access(given)
        except TokenInvalidError as error:
            return error


def bucket_of(token: AccessToken) -> tuple[Bucket, str]:
    """All keys of a person share one bucket: more of them give no more."""
    return "user" if token.scopes is None else "key", token.user_text


def _bearer_of(authorization: bytes) -> str | None:
    scheme, _, credentials = authorization.partition(b" ")
    return credentials.strip().decode("latin-1") if scheme.lower() == b"bearer" else None


def _whose(scope: Scope, token: AccessToken | Refusal | None) -> tuple[Bucket, str]:
    """The bucket, and whom in it, a request counts against."""
    route = scope["method"], scope["path"]
    if route in LOGIN_ROUTES:
        return "login", _address(scope)
    if route in RESET_ROUTES:
        return "reset", _address(scope)
    if isinstance(token, AccessToken):
        return bucket_of(token)
    return "anonymous", _address(scope)


def _address(scope: Scope) -> str:
    """The peer's address. X-Forwarded-For counts only where uvicorn was told to trust the proxy."""
    client = scope.get("client")
    return client[0] if client else "unknown"
