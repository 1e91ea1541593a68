"""Passwords: hashed off the event loop, a few at a time, and in a time that tells nothing."""

from __future__ import annotations

import asyncio
import statistics
import threading
import time
from collections.abc import Iterator

import psycopg
import pytest
from pwdlib.hashers.bcrypt import BcryptHasher

from aurora.settings import Settings
from serving.app import create_app
from serving.auth import passwords as passwords_module
from serving.auth.passwords import Passwords
from serving.errors import ServerBusyError
from serving.options import ApiOptions
from tests.serving.conftest import PASSWORD, a_name, log_in, quick, running
from tests.serving.live_server import until
from tests.serving.test_accounts import again

ROUNDS = 15


class SlowHasher(BcryptHasher):
    """Takes until it is let go of, and counts how many are at it."""

    def __init__(self, rounds: int) -> None:
        super().__init__(rounds)
        self.may_end = threading.Event()
        self.at_it = 0

    def hash(self, password: str | bytes, *, salt: bytes | None = None) -> str:
        self.at_it += 1
        self.may_end.wait(60)
        return super().hash(password, salt=salt)


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> Iterator[SlowHasher]:
    hasher = SlowHasher(4)
    monkeypatch.setattr(passwords_module, "BcryptHasher", lambda **_: hasher)
    yield hasher
    hasher.may_end.set()


@pytest.fixture
def work(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """What is verified, as its number of rounds."""
    done: list[int] = []
    verify = BcryptHasher.verify

    def counted(self: BcryptHasher, password: str | bytes, hash: str | bytes) -> bool:  # noqa: A002  # its name
        done.append(2 ** int(str(hash)[4:6]))
        return verify(self, password, hash)

    monkeypatch.setattr(BcryptHasher, "verify", counted)
    return done


async def test_what_waits_for_a_hash_is_bounded_and_the_loop_goes_on(slow: SlowHasher) -> None:
    passwords = Passwords(cost=4, threads=1, queue=1)
    hashed = asyncio.create_task(passwords.hash(PASSWORD))
    # The loop turns while the hash is being made: else this would never see it begin.
    await until(lambda: slow.at_it == 1)
    waits = asyncio.create_task(passwords.hash(PASSWORD))
    await asyncio.sleep(0)

    with pytest.raises(ServerBusyError):
        await passwords.hash(PASSWORD)

    assert (hashed.done(), waits.done(), slow.at_it) == (False, False, 1)
    slow.may_end.set()
    assert await passwords.verify(PASSWORD, await hashed)
    assert await passwords.verify(PASSWORD, await waits)


def test_what_an_api_does_that_nobody_has_configured() -> None:
    options = ApiOptions()

    assert options.bcrypt_cost == 12
    assert (options.access_minutes, options.refresh_days, options.refresh_grace_seconds) == (30, 7, 10)


@pytest.mark.parametrize(
    "stored", [None, "", "x", "$2b$31$" + "." * 53, "$argon2id$v=19$m=65536,t=3,p=4$x$y"]
)
async def test_nothing_is_right_where_no_hash_of_ours_is_stored(stored: str | None) -> None:
    assert not await Passwords(cost=4).verify("nobody's", stored)


async def test_a_password_that_is_longer_than_what_is_read_is_not_right() -> None:
    passwords = Passwords(cost=4)
    stored = await passwords.hash("x" * 72)

    assert await passwords.verify("x" * 72, stored)
    assert not await passwords.verify("x" * 73, stored)


@pytest.mark.parametrize(("configured", "hardest"), [(8, "08"), (8, "10"), (8, None), (10, "08")])
@pytest.mark.parametrize("cost", [4, 6, 8, None])
async def test_a_hash_of_any_cost_and_none_at_all_are_the_same_work(
    work: list[int], configured: int, hardest: str | None, cost: int | None
) -> None:
    stored = Passwords(cost).hash_now(PASSWORD) if cost else None

    await Passwords(configured).verify("a wrong password", stored, hardest=hardest)

    assert sum(work) == 2 ** max(configured, int(hardest or 0))


@pytest.mark.parametrize(("before", "now"), [(4, 9), (9, 4)])
async def test_a_login_takes_as_long_for_who_has_a_hash_of_another_cost_as_for_nobody(
    settings: Settings, api_database: str, before: int, now: int
) -> None:
    # Of other tests: what takes longest is what all take.
    with psycopg.connect(api_database, autocommit=True) as connection:
        connection.execute("update app.users set password_hash = null")
    async with running(create_app(settings, quick(bcrypt_cost=before))) as client:
        ada = await log_in(client)
    async with running(create_app(settings, quick(bcrypt_cost=now))) as client:
        took: dict[str, list[float]] = {ada.username: [], a_name(): []}
        for _ in range(ROUNDS):
            for name, seconds in took.items():
                # Time of this process alone: whoever else is at work on the machine tells nothing either.
                began = time.process_time()
                wrong = {"username": name, "password": "a wrong password"}
                await client.post("/api/v1/auth/login", json=wrong)
                seconds.append(time.process_time() - began)

    known, nobody = (statistics.median(seconds) for seconds in took.values())
    assert min(known, nobody) > 0.015
    assert abs(known - nobody) < 0.005


async def test_a_login_stores_a_hash_of_the_cost_that_is_configured_now(
    settings: Settings, api_database: str
) -> None:
    async with running(create_app(settings, quick(bcrypt_cost=5))) as client:
        ada = await log_in(client)
    async with running(create_app(settings, quick(bcrypt_cost=6))) as client:
        await again(client, ada)
        with psycopg.connect(api_database) as connection:
            [(stored,)] = connection.execute(
                "select password_hash from app.users where user_id = %s", (ada.user_id,)
            ).fetchall()
        await again(client, ada)

    assert stored.startswith("$2b$06$")
