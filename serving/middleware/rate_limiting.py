"""Who comes, and against which bucket their requests count."""

from __future__ import annotations

from functools import lru_cache
from ipaddress import IPv6Address, ip_address, ip_network
from typing import Final

import psycopg
from starlette.types import Scope

from serving.auth.errors import TokenInvalidError
from serving.auth.keys import Keys, looks_like_key
from serving.auth.quotas import Quotas
from serving.auth.tokens import AccessToken, TokenReader
from serving.paths import AI_ROUTES, LOGIN_ROUTES, RESET_ROUTES
from serving.rate_limits import Allowance, Bucket, RateLimiter

Refusal = TokenInvalidError | psycopg.OperationalError
"""Why there is no token: it is none, or nobody can say whose key it is, or how often they may come, at this moment."""

_BY_QUOTA: Final[frozenset[Bucket]] = frozenset({"user", "key"})
"""The buckets whose size somebody's own quota is."""


class Gate:
    """Says who comes, and counts them."""

    def __init__(self, tokens: TokenReader, keys: Keys, quotas: Quotas, limiter: RateLimiter) -> None:
        self._tokens, self._keys, self._quotas, self._limiter = tokens, keys, quotas, limiter

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
            return await self._counted(scope, token)
        known = self._keys.remembered(given)
        token, allowance = await self._counted(scope, known)
        if known is not None or not allowance.is_allowed:
            return token, allowance
        try:
            return await self._keys.read(given), allowance
        except (TokenInvalidError, psycopg.OperationalError) as refusal:
            return refusal, allowance

    async def _counted(
        self, scope: Scope, token: AccessToken | Refusal | None
    ) -> tuple[AccessToken | Refusal | None, Allowance]:
        """By the person's own quota, where they have one; while Postgres cannot say, by that of everybody."""
        bucket, whom = _whose(scope, token)
        quota = None
        if isinstance(token, AccessToken) and bucket in _BY_QUOTA:
            try:
                quota = await self._quotas.of(token.user_id)
            except psycopg.OperationalError as refusal:
                token = refusal
        return token, await self._limiter.take(bucket, whom, limit=quota)

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
        return "login", address_of(scope)
    if route in RESET_ROUTES:
        return "reset", address_of(scope)
    if isinstance(token, AccessToken):
        return ("ai", token.user_text) if route in AI_ROUTES else bucket_of(token)
    return "anonymous", address_of(scope)


def address_of(scope: Scope) -> str:
    """The peer, as far as peers can be told apart.

    X-Forwarded-For counts only where uvicorn was told to trust the proxy.
    """
    client = scope.get("client")
    return _network_of(client[0]) if client else "unknown"


@lru_cache(maxsize=10_000)
def _network_of(host: str) -> str:
    """An IPv4 address, or the /64 of an IPv6 one: whoever has one address of it has them all."""
    try:
        address = ip_address(host)
    except ValueError:
        return host
    if not isinstance(address, IPv6Address):
        return str(address)
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return str(ip_network((int(address), 64), strict=False))
