"""Tokens that were verified before are remembered, and remembered only as long as they are good."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

import jwt
import pytest
import time_machine

from aurora import clock
from serving.auth.errors import TokenInvalidError
from serving.auth.tokens import REMEMBERED_TOKENS, Secrets, TokenIssuer, TokenReader
from serving.options import ApiOptions
from tests.serving.conftest import JWT_SECRET

SECRETS = Secrets(JWT_SECRET)


def test_a_remembered_token_ends_when_it_ends() -> None:
    issuer, reader = TokenIssuer(SECRETS, ApiOptions(access_minutes=1)), TokenReader(SECRETS)
    token = issuer.issue("access", uuid4(), uuid4(), clock.now())
    assert reader.read_access(token) == reader.read_access(token)

    with (
        time_machine.travel(clock.now() + timedelta(minutes=2), tick=False),
        pytest.raises(TokenInvalidError, match="expired"),
    ):
        reader.read_access(token)


def test_what_only_looks_like_a_remembered_token_is_not_one() -> None:
    issuer, reader = TokenIssuer(SECRETS, ApiOptions()), TokenReader(SECRETS)
    token = issuer.issue("access", uuid4(), uuid4(), clock.now())
    reader.read_access(token)

    for changed in (token + "=", token[:-2] + "xx", " " + token):
        with pytest.raises(TokenInvalidError):
            reader.read_access(changed)


def test_a_refresh_token_is_no_access_token_however_often_it_is_shown() -> None:
    issuer, reader = TokenIssuer(SECRETS, ApiOptions()), TokenReader(SECRETS)
    token = issuer.issue("refresh", uuid4(), uuid4(), clock.now())

    for _ in range(2):
        with pytest.raises(TokenInvalidError, match="not meant for access"):
            reader.read_access(token)


def test_no_number_of_tokens_fills_the_memory() -> None:
    issuer, reader = TokenIssuer(SECRETS, ApiOptions()), TokenReader(SECRETS)
    reader._verified = dict.fromkeys(map(str, range(REMEMBERED_TOKENS)), None)  # type: ignore[arg-type]
    reader.read_access(issuer.issue("access", uuid4(), uuid4(), clock.now()))

    assert len(reader._verified) == 1


def test_a_token_of_the_secret_before_is_believed_until_the_secret_is_taken_away() -> None:
    old, new = "an old secret, which is long enough for HS256", "a new secret, which is long enough for HS256"
    token = TokenIssuer(Secrets(old), ApiOptions()).issue("access", uuid4(), uuid4(), clock.now())
    rotated = Secrets(new, before=(old, JWT_SECRET))

    assert TokenReader(rotated).read_access(token) == TokenReader(Secrets(old)).read_access(token)
    fresh = TokenIssuer(rotated, ApiOptions()).issue("access", uuid4(), uuid4(), clock.now())
    assert TokenReader(Secrets(new)).read_access(fresh)
    with pytest.raises(TokenInvalidError, match="not issued"):
        TokenReader(Secrets(new)).read_access(token)


def test_a_token_from_before_tokens_named_their_secret_is_read_by_the_current_one() -> None:
    claims = TokenReader(SECRETS).claims(
        TokenIssuer(SECRETS, ApiOptions()).issue("access", uuid4(), uuid4(), clock.now()), "access"
    )

    assert TokenReader(SECRETS).read_access(jwt.encode(claims, JWT_SECRET, algorithm="HS256"))


@pytest.mark.parametrize("kid", ["../../dev/null", "", "0" * 16, "' or 1=1 --", "https://evil.example/jwks"])
def test_a_token_cannot_choose_what_it_is_verified_with(kid: str) -> None:
    issued = TokenIssuer(SECRETS, ApiOptions()).issue("access", uuid4(), uuid4(), clock.now())
    claims = TokenReader(SECRETS).claims(issued, "access")
    for secret in (JWT_SECRET, kid or "x"):
        token = jwt.encode(claims, secret, algorithm="HS256", headers={"kid": kid})
        with pytest.raises(TokenInvalidError, match="not issued"):
            TokenReader(SECRETS).read_access(token)
