"""What a new password must be."""

from __future__ import annotations

import httpx
import pytest
from zxcvbn.frequency_lists import FREQUENCY_LISTS

from serving.auth.errors import PasswordUnacceptableError
from serving.auth.password_rules import MIN_LENGTH, check_password
from tests.serving.conftest import PASSWORD, a_name
from tests.serving.post_office import PostOffice, token_in

ADDRESS = "ada.lovelace@example.org"


@pytest.mark.parametrize(
    ("password", "words"),
    [
        ("seven77", "at least 8"),
        ("ø" * 37, "at most 72 bytes"),
        ("12345678\x00", "no NUL"),
        ("12345678", "easy to guess"),
        ("password123", "easy to guess"),
        ("PassWord123", "easy to guess"),
        ("Password-2026!", "easy to guess"),
        ("aurora_life 1", "easy to guess"),
        ("abababab", "easy to guess"),
        ("countess", "user name or your address"),
        ("Countess1815", "user name or your address"),
        (ADDRESS, "user name or your address"),
        ("AdaLovelace", "user name or your address"),
    ],
)
def test_a_password_that_is_guessed_first_is_refused_in_words(password: str, words: str) -> None:
    with pytest.raises(PasswordUnacceptableError, match=words) as refused:
        check_password(password, "countess", ADDRESS, None)

    assert password not in str(refused.value)


def test_the_three_thousand_most_common_passwords_that_are_long_enough_are_refused() -> None:
    common = [password for password in FREQUENCY_LISTS["passwords"] if len(password) >= MIN_LENGTH]
    assert len(common) > 3000

    for password in common:
        with pytest.raises(PasswordUnacceptableError):
            check_password(password, "ada")


@pytest.mark.parametrize(
    "password", [PASSWORD, "kq7wz1np", "xyz" * 24, "ein Haus aus Glas", "とても長い日本語の文", "87415902"]
)
def test_a_password_of_any_characters_will_do(password: str) -> None:
    check_password(password, "ada", ADDRESS)


async def test_nobody_registers_with_their_address_or_a_common_password(client: httpx.AsyncClient) -> None:
    for password in ("12345678", ADDRESS):
        wanted = {"username": a_name(), "password": password, "email": ADDRESS}
        answer = await client.post("/api/v1/auth/register", json=wanted)

        assert (answer.status_code, answer.json()["code"]) == (422, "password-unacceptable")


async def test_nobody_changes_their_password_to_their_address(office: PostOffice) -> None:
    ada = await office.confirmed(ADDRESS)
    await office.post("password/forgotten", email=ADDRESS)
    [message] = await office.deliver()

    changed = await office.post("password", ada, current_password=PASSWORD, new_password=ADDRESS)
    reset = await office.post("password/reset", token=token_in(message), new_password=ADDRESS)

    for answer in (changed, reset):
        assert (answer.status_code, answer.json()["code"]) == (422, "password-unacceptable")
    assert (await office.log_in(ADDRESS)).status_code == 200
