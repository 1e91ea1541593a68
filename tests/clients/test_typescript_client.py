"""The TypeScript client against a real API: compiled strictly, run by Node, with what a browser has too."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from aurora.settings import Settings
from infra.ports import free_port
from tests.clients.typescript import NODE, PACKAGE, compile_file, compile_package
from tests.serving.conftest import PASSWORD, Account, log_in, quick
from tests.serving.live_schemas import told_as_described
from tests.serving.live_server import Server, number_of, numbered, until

SCRIPT = Path(__file__).parent / "listen.mjs"


@pytest.fixture(scope="module")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The compiled client."""
    out = tmp_path_factory.mktemp("client") / "dist"
    assert compile_package(out) == ""
    return out


@pytest.fixture(scope="module")
async def server(settings: Settings) -> AsyncIterator[Server]:
    async with Server(settings, quick(sockets_per_person=2, look_seconds=0.2)).run() as server:
        yield server


class Listener:
    """A Node process that listens."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self.tokens: list[dict[str, str]] = []

    async def next(self, kind: str) -> Any:
        """The next thing of a kind; what is said of others meanwhile is passed over."""
        assert self._process.stdout is not None
        async with asyncio.timeout(30):
            while line := await self._process.stdout.readline():
                said = json.loads(line)
                if "tokens" in said:
                    self.tokens.append(said["tokens"])
                if "message" in said:
                    told_as_described(said["message"])
                if kind in said:
                    return said if kind == "error" else said[kind]
                assert "error" not in said, said
        raise AssertionError("it has ended")

    async def numbers(self, count: int) -> list[int]:
        return [number_of(await self.next("message")) for _ in range(count)]

    async def close(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(b"close\n")
        await self._process.stdin.drain()


@asynccontextmanager
async def listening(dist: Path, server: Server, account: Account, **options: Any) -> AsyncIterator[Listener]:
    """A listener that is connected, unless it was told to do something else."""
    tokens = {"access": account.tokens["access_token"], "refresh": account.tokens["refresh_token"]}
    asked = {"dist": dist.as_uri(), "baseUrl": server.url, "tokens": tokens, "listen": {}, **options}
    process = await asyncio.create_subprocess_exec(
        NODE, SCRIPT, json.dumps(asked), limit=2**20,
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        yield Listener(process)
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def connected(server: Server, count: int = 1) -> None:
    await until(lambda: len(server.app.state.resources.hub._announcements.sockets) >= count)


async def tell(server: Server, account: Account, *told: int) -> None:
    await server.teller.tell(account.user_id, *(numbered(number) for number in told))


@pytest.fixture
async def ada(server: Server) -> Account:
    async with httpx.AsyncClient(base_url=server.url) as http:
        return await log_in(http)


async def test_it_logs_in_asks_hears_and_closes(dist: Path, server: Server, ada: Account) -> None:
    login = {"username": ada.username, "password": PASSWORD}
    async with listening(dist, server, ada, login=login, listen={"topics": ["insights"]}) as listener:
        page = await listener.next("page")
        await connected(server)
        await tell(server, ada, 1, 2)
        heard = await listener.numbers(2)
        await listener.close()
        ended = await listener.next("ended")

    assert page["items"] == []
    assert heard == [1, 2]
    assert ended is True


async def test_a_wrong_password_is_an_error_with_its_code(dist: Path, server: Server, ada: Account) -> None:
    login = {"username": ada.username, "password": "a wrong password"}
    async with listening(dist, server, ada, login=login) as listener:
        error = await listener.next("error")

    assert (error["error"], error["code"]) == ("ApiError", "credentials-invalid")


async def test_after_a_restart_of_the_server_it_hears_what_it_missed(dist: Path, settings: Settings) -> None:
    port = free_port()
    async with Server(settings, quick(), port).run() as server:
        async with httpx.AsyncClient(base_url=server.url) as http:
            ada = await log_in(http)
        context = listening(dist, server, ada)
        listener = await context.__aenter__()
        await connected(server)
        await tell(server, ada, 0)
        assert await listener.numbers(1) == [0]
    try:
        await tell(server, ada, 1, 2)
        await asyncio.sleep(0.3)
        async with Server(settings, quick(), port).run() as again:
            await tell(again, ada, 3, 4)
            heard = await listener.numbers(4)
    finally:
        await context.__aexit__(None, None, None)

    assert heard == [1, 2, 3, 4]


async def test_a_program_that_starts_again_goes_on_where_it_was(
    dist: Path, server: Server, ada: Account
) -> None:
    async with listening(dist, server, ada) as listener:
        await connected(server)
        await tell(server, ada, 1, 2)
        first = await listener.next("message")
    async with listening(dist, server, ada, listen={"cursor": first["cursor"]}) as listener:
        assert await listener.numbers(1) == [2]


async def test_it_renews_an_access_token_that_has_ended(dist: Path, server: Server, ada: Account) -> None:
    tokens = {"access": "ended", "refresh": ada.tokens["refresh_token"]}
    async with listening(dist, server, ada, tokens=tokens) as listener:
        await connected(server)
        await tell(server, ada, 1)
        heard = await listener.numbers(1)

    assert heard == [1]
    assert len(listener.tokens) == 1


async def test_tokens_that_end_while_it_listens_cost_no_message(dist: Path, settings: Settings) -> None:
    async with Server(settings, quick()).run() as server:
        server.app.state.resources.accounts._issuer._lifetimes["access"] = timedelta(seconds=2)
        async with httpx.AsyncClient(base_url=server.url) as http:
            ada = await log_in(http)
        async with listening(dist, server, ada) as listener:
            await connected(server)
            for number in range(30):
                await tell(server, ada, number)
                await asyncio.sleep(0.12)
            heard = await listener.numbers(30)

    assert heard == list(range(30))
    assert len(listener.tokens) > 1


async def test_a_consumer_that_takes_its_time_misses_nothing(
    dist: Path, server: Server, ada: Account
) -> None:
    """A WebSocket cannot be asked to pause: the client leaves, and comes back when it has caught up."""
    async with listening(dist, server, ada, slowMs=1) as listener:
        await connected(server)
        for part in range(5):
            await tell(server, ada, *range(part * 500, part * 500 + 500))
        heard = await listener.numbers(2500)

    assert heard == list(range(2500))


async def test_a_cursor_that_leads_nowhere_is_handed_out_as_resync(
    dist: Path, server: Server, ada: Account
) -> None:
    await tell(server, ada, 1)
    async with listening(dist, server, ada, listen={"cursor": "deadbeef.9-.0"}) as listener:
        resync = await listener.next("message")
        await tell(server, ada, 2)
        heard = await listener.numbers(1)

    assert (resync["type"], resync["reason"]) == ("resync", "cursor-unknown")
    assert heard == [2]


async def test_a_login_that_was_closed_ends_it(dist: Path, settings: Settings) -> None:
    async with Server(settings, quick(heartbeat_seconds=0.2)).run() as server:
        async with httpx.AsyncClient(base_url=server.url) as http:
            ada = await log_in(http)
        async with listening(dist, server, ada, logOutAfter=1) as listener:
            await connected(server)
            await tell(server, ada, 1)
            error = await listener.next("error")

    assert error["error"] == "LoginRequiredError"


async def test_a_server_that_says_nothing_is_left(dist: Path, settings: Settings) -> None:
    async with Server(settings, quick(heartbeat_seconds=0.2)).run() as server:
        async with httpx.AsyncClient(base_url=server.url) as http:
            ada = await log_in(http)
        async with listening(dist, server, ada) as listener:
            await connected(server)
            hub = server.app.state.resources.hub
            hub._beats.clear()
            [silent] = hub._announcements.sockets
            await until(lambda: silent not in hub._announcements.sockets)
            await connected(server)
            await tell(server, ada, 1)
            assert await listener.numbers(1) == [1]


@pytest.mark.parametrize(
    ("line", "is_right"),
    [
        ('if (message.type === "message" && message.subject === "predictions") use(message.value);', True),
        ('if (message.type === "message" && message.subject === "scores") use(message.value);', False),
        ("use(message.value);", False),
        ("use(message.cursor.length);", True),
    ],
)
def test_the_compiler_knows_what_is_in_a_message(
    dist: Path, tmp_path: Path, line: str, is_right: bool
) -> None:
    (tmp_path / "dist").symlink_to(dist)
    (tmp_path / "package.json").write_text('{"type": "module"}')
    file = tmp_path / "usage.ts"
    file.write_text(
        'import type { Message, Resync } from "./dist/index.js";\n'
        "export function take(message: Message | Resync, use: (value: number | null) => void): void {\n"
        f"  {line}\n}}\n"
    )

    said = compile_file(file)
    assert (said == "") is is_right, said


def test_it_depends_on_nothing() -> None:
    package = json.loads((PACKAGE / "package.json").read_text())

    assert "dependencies" not in package
    assert not list(PACKAGE.glob("package-lock.json"))
