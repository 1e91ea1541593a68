"""Both clients over the whole way, API, streams, Postgres and Redis as processes of their own: every event is
heard of once, whatever is killed meanwhile; and what docs/clients.md shows runs as written.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from redis.asyncio import Redis

from aurora_client import Pauses, Session, Tokens
from infra.embedded.broker import EmbeddedBroker
from tests.clients.typescript import NODE, compile_file, compile_package
from tests.end_to_end.conftest import PASSWORD, System, an_event, running, somebody, until
from tests.serving.live_schemas import told_as_described

PROJECT = Path(__file__).parents[2]
TEXT = (PROJECT / "docs" / "clients.md").read_text()
LISTEN = PROJECT / "tests" / "clients" / "listen.mjs"


@pytest.fixture(scope="module")
def system(new_system: Callable[..., System]) -> Iterator[System]:
    """A system of this module's own: its API dies often."""
    broker = EmbeddedBroker()
    with running(new_system(broker.start())) as system:
        yield system
    broker.stop()


@pytest.fixture(scope="module")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("client") / "dist"
    assert compile_package(out) == ""
    return out


@dataclass(frozen=True)
class Somebody:
    """A person, and a login for each of their apps."""

    username: str
    logins: list[Tokens]


async def with_logins(system: System, count: int = 1) -> Somebody:
    await until(lambda: is_up(system), 60)
    person = await somebody(system)
    username = (await person.get("auth/me"))["username"]
    login = {"username": username, "password": PASSWORD}
    answers = [(await person.client.post("/api/v1/auth/login", json=login)).json() for _ in range(count)]
    return Somebody(username, [Tokens(body["access_token"], body["refresh_token"]) for body in answers])


async def post_surely(system: System, tokens: Tokens, event: dict[str, Any]) -> None:
    """Until it is accepted: the id makes a repetition harmless."""
    async with asyncio.timeout(60):
        while True:
            with contextlib.suppress(httpx.HTTPError):
                async with httpx.AsyncClient(base_url=system.api, timeout=5) as client:
                    headers = {"Authorization": f"Bearer {tokens.access}"}
                    answer = await client.post("/api/v1/events", json=event, headers=headers)
                    if answer.status_code in {200, 201}:
                        return
            await asyncio.sleep(0.1)


async def hear_python(system: System, tokens: Tokens, heard: list[str], last: str) -> None:
    async with (
        Session(system.api, tokens) as session,
        session.listen(["events"], pauses=Pauses(0.1, 1)) as live,
    ):
        async for message in live:
            told_as_described(dict(message))
            assert message["type"] == "message"
            assert message["subject"] == "events"
            heard += [event["event_id"] for event in message["events"]]
            if last in heard:
                return


async def hear_typescript(system: System, tokens: Tokens, heard: list[str], last: str, dist: Path) -> None:
    asked = {
        "dist": dist.as_uri(),
        "baseUrl": system.api,
        "tokens": tokens._asdict(),
        "listen": {"topics": ["events"], "pausesMs": {"first": 100, "longest": 1000}},
    }
    process = await asyncio.create_subprocess_exec(
        NODE, LISTEN, json.dumps(asked), limit=2**20,
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert process.stdout is not None
    try:
        while last not in heard:
            said = json.loads(await process.stdout.readline())
            assert "error" not in said, said
            if "message" in said:
                heard += [event["event_id"] for event in told_as_described(said["message"])["events"]]
    finally:
        process.kill()
        await process.wait()


@pytest.mark.slow
async def test_every_event_is_heard_of_once_while_the_api_is_killed_and_redis_wiped(
    system: System, dist: Path
) -> None:
    ada = await with_logins(system, 3)
    tokens = ada.logins[0]
    posted = [an_event() for _ in range(60)]
    last = an_event()
    by_python: list[str] = []
    by_typescript: list[str] = []
    hearing = [
        asyncio.create_task(hear_python(system, ada.logins[1], by_python, last["event_id"])),
        asyncio.create_task(hear_typescript(system, ada.logins[2], by_typescript, last["event_id"], dist)),
    ]
    await wait_for_both(system, tokens, by_python, by_typescript)

    async def disturb() -> None:
        async with Redis.from_url(system.redis) as redis:
            for kill in (True, False, True):
                await asyncio.sleep(1)
                await redis.flushdb()
                if kill:
                    system.kill("serving")
                else:
                    system.stop("serving")
                system.start_api()
                await until(lambda: is_up(system), 60)

    async def post() -> None:
        for event in posted:
            await post_surely(system, tokens, event)
            await asyncio.sleep(0.05)

    await asyncio.gather(post(), disturb())
    await post_surely(system, tokens, last)
    await asyncio.wait_for(asyncio.gather(*hearing), 60)

    expected = {event["event_id"] for event in [*posted, last]}
    for heard in (by_python, by_typescript):
        counts = Counter(heard)
        assert expected - set(counts) == set()
        assert set(counts.values()) == {1}


def is_up(system: System) -> bool:
    with contextlib.suppress(httpx.HTTPError):
        return httpx.get(f"{system.api}/readyz", timeout=2).status_code == 200
    return False


async def wait_for_both(system: System, tokens: Tokens, *heard: list[str]) -> None:
    """Post until each of them has heard something: then both are connected."""
    async with asyncio.timeout(60):
        while not all(heard):
            await post_surely(system, tokens, an_event())
            await asyncio.sleep(0.2)


async def test_the_python_example_runs_as_written(system: System, tmp_path: Path) -> None:
    [example] = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)
    (tmp_path / "example.py").write_text(example)
    ada = await with_logins(system)

    said = await run(
        system,
        [sys.executable, "example.py"],
        tmp_path,
        ada.username,
        PYTHONPATH=str(PROJECT / "clients" / "python"),
    )
    assert said.startswith("changed: [")


async def test_the_typescript_example_runs_as_written(system: System, dist: Path, tmp_path: Path) -> None:
    [example] = re.findall(r"```ts\n(.*?)```", TEXT, re.DOTALL)
    package = tmp_path / "node_modules" / "aurora-client"
    package.mkdir(parents=True)
    (package / "package.json").write_text((PROJECT / "clients/typescript/package.json").read_text())
    (package / "dist").symlink_to(dist)
    (tmp_path / "package.json").write_text('{"type": "module"}')
    (tmp_path / "example.ts").write_text(example)
    assert compile_file(tmp_path / "example.ts") == ""
    (tmp_path / "run.mjs").write_text(
        'import { follow } from "./example.js";\n'
        "const { API, NAME, PASSWORD } = process.env;\n"
        "await follow(API, NAME, PASSWORD, (text) => console.log(text));\nprocess.exit(0);\n"
    )
    ada = await with_logins(system)

    async def post() -> None:
        while True:
            await asyncio.sleep(0.3)
            await post_surely(system, ada.logins[0], an_event())

    posting = asyncio.create_task(post())
    said = await run(system, [str(NODE), "run.mjs"], tmp_path, ada.username)
    posting.cancel()

    assert "changed: 20" in said


async def run(system: System, command: list[str], folder: Path, username: str, **environment: str) -> str:
    process = await asyncio.create_subprocess_exec(
        *command, cwd=folder, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
        env=os.environ | {"API": system.api, "NAME": username, "PASSWORD": PASSWORD} | environment,
    )  # fmt: skip
    output, _ = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode == 0, output.decode()
    return output.decode()
