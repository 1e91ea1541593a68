"""Tokens that were verified before are remembered, and remembered only as long as they are good."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

import pytest
import time_machine

from aurora import clock
from serving.auth.tokens import REMEMBERED_TOKENS, TokenIssuer, TokenReader
from serving.errors import TokenInvalidError
from serving.options import ApiOptions
from tests.serving.conftest import JWT_SECRET


def test_a_remembered_token_ends_when_it_ends() -> None:
    issuer, reader = TokenIssuer(JWT_SECRET, ApiOptions(access_minutes=1)), TokenReader(JWT_SECRET)
    token = issuer.issue("access", uuid4(), uuid4(), clock.now())
    assert reader.read_access(token) == reader.read_access(token)

    with (
        time_machine.travel(clock.now() + timedelta(minutes=2), tick=False),
        pytest.raises(TokenInvalidError, match="expired"),
    ):
        reader.read_access(token)


def test_what_only_looks_like_a_remembered_token_is_not_one() -> None:
    issuer, reader = TokenIssuer(JWT_SECRET, ApiOptions()), TokenReader(JWT_SECRET)
    token = issuer.issue("access", uuid4(), uuid4(), clock.now())
    reader.read_access(token)

    for changed in (token + "=", token[:-2] + "xx", " " + token):
        with pytest.raises(TokenInvalidError):
            reader.read_access(changed)


def test_a_refresh_token_is_no_access_token_however_often_it_is_shown() -> None:
    issuer, reader = TokenIssuer(JWT_SECRET, ApiOptions()), TokenReader(JWT_SECRET)
    token = issuer.issue("refresh", uuid4(), uuid4(), clock.now())

    for _ in range(2):
        with pytest.raises(TokenInvalidError, match="not meant for access"):
            reader.read_access(token)


def test_no_number_of_tokens_fills_the_memory() -> None:
    issuer, reader = TokenIssuer(JWT_SECRET, ApiOptions()), TokenReader(JWT_SECRET)
    reader._verified = dict.fromkeys(map(str, range(REMEMBERED_TOKENS)), None)  # type: ignore[arg-type]
    reader.read_access(issuer.issue("access", uuid4(), uuid4(), clock.now()))

    assert len(reader._verified) == 1
