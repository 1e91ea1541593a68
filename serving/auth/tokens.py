"""Tokens: short-lived access tokens and rotating refresh tokens, both JWT (HS256).

A token says what it is for (`typ`), who issued it, for whom and until when, and all of it is required. The
truth about sessions is in Postgres: a token that verifies is necessary, not sufficient.

To change the secret, make it the new `AURORA_JWT_SECRET` and move the old one to `AURORA_JWT_SECRETS_BEFORE` until its
last refresh token has ended (7 days). A token names its secret (`kid`), by a hash.
"""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any, Final, Literal
from uuid import UUID, uuid4

import jwt
from jwt.utils import base64url_decode, base64url_encode

from serving.auth.errors import TokenInvalidError
from serving.options import ApiOptions

ISSUER: Final = "aurora"
AUDIENCE: Final = "aurora-api"
ALGORITHM: Final = "HS256"
REQUIRED: Final = ("exp", "iat", "iss", "aud", "sub", "sid", "typ", "jti")
REMEMBERED_TOKENS: Final = 10_000
_FOREIGN: Final = "this token was not issued by this API"
_COMPACT: Final = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+")

Purpose = Literal["access", "refresh"]


@dataclass(frozen=True)
class AccessToken:
    """What a verified access token says, or what is known of an API key."""

    user_id: UUID
    family_id: UUID
    """Of a key its own id."""
    expires_at: int
    scopes: frozenset[str] | None = None
    """What a key was made for; None of a login, which may do what its person may."""

    @cached_property
    def user_text(self) -> str:
        """The person's id as text, which counters and log lines need at every request."""
        return str(self.user_id)


class Secrets:
    """The secret that signs, and those before it, which are still believed."""

    def __init__(self, current: str, before: Iterable[str] = ()) -> None:
        self.current = current
        self.kid = _kid(current)
        self._by_kid = {_kid(secret): secret for secret in (*before, current)}

    def of(self, token: str) -> str:
        """The secret that a token says it was signed with; TokenInvalidError when it is none of ours."""
        # What names no secret was issued before tokens did.
        secret = self._by_kid.get(jwt.get_unverified_header(token).get("kid", self.kid))
        if secret is None:
            raise TokenInvalidError(_FOREIGN)
        return secret


def _kid(secret: str) -> str:
    return hashlib.sha256(f"kid:{secret}".encode()).hexdigest()[:16]


class TokenReader:
    """Verifies tokens."""

    def __init__(self, secrets: Secrets) -> None:
        self._secrets = secrets
        self._verified: dict[str, AccessToken] = {}

    def read_access(self, token: str) -> AccessToken:
        """The content of an access token, or TokenInvalidError that says what is wrong with it.

        A client sends the same token with every request: what was verified once is remembered, and only its
        end is looked at again. Whether its login is still open is told by serving/auth/logins.py.
        """
        known = self._verified.get(token)
        if known is not None and known.expires_at > time.time():
            return known
        claims = self.claims(token, "access")
        read = AccessToken(UUID(claims["sub"]), UUID(claims["sid"]), int(claims["exp"]))
        if len(self._verified) >= REMEMBERED_TOKENS:
            self._verified.clear()
        self._verified[token] = read
        return read

    def claims(self, token: str, purpose: Purpose) -> dict[str, Any]:
        if not is_canonical(token):
            raise TokenInvalidError("this is not a token")
        try:
            claims = jwt.decode(
                token,
                self._secrets.of(token),
                algorithms=[ALGORITHM],
                audience=AUDIENCE,
                issuer=ISSUER,
                options={"require": list(REQUIRED)},
            )
            _ = UUID(claims["sub"]), UUID(claims["sid"])
        except jwt.ExpiredSignatureError:
            raise TokenInvalidError("this token has expired") from None
        except (jwt.InvalidTokenError, ValueError, TypeError, AttributeError):
            raise TokenInvalidError(_FOREIGN) from None
        if claims["typ"] != purpose:
            raise TokenInvalidError(f"this token is not meant for {purpose}")
        return claims


class TokenIssuer:
    """Signs tokens."""

    def __init__(self, secrets: Secrets, options: ApiOptions) -> None:
        self._secrets = secrets
        self._lifetimes: dict[Purpose, timedelta] = {
            "access": timedelta(minutes=options.access_minutes),
            "refresh": timedelta(days=options.refresh_days),
        }

    def lifetime(self, purpose: Purpose) -> timedelta:
        return self._lifetimes[purpose]

    def issue(self, purpose: Purpose, user_id: UUID, family_id: UUID, at: datetime) -> str:
        claims = {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "sub": str(user_id),
            "sid": str(family_id),
            "typ": purpose,
            "jti": str(uuid4()),
            "iat": at,
            "exp": at + self._lifetimes[purpose],
        }
        return jwt.encode(
            claims, self._secrets.current, algorithm=ALGORITHM, headers={"kid": self._secrets.kid}
        )


def is_canonical(token: str) -> bool:
    """Whether this is the one spelling of its bytes: padding and spare bits would give a token many names."""
    if len(token) > 2048 or _COMPACT.fullmatch(token) is None:
        return False
    signature = token.rsplit(".", 1)[1].encode()
    try:
        return base64url_encode(base64url_decode(signature)) == signature
    except ValueError:
        return False
