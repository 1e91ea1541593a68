"""An API, a postman and a real mail server over one database of their own, for tests of what e-mails do."""

from __future__ import annotations

import asyncio
import email
import queue
import re
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from email import policy
from email.message import EmailMessage
from typing import Any

import httpx
import psycopg
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from aurora.settings import Settings
from infra.ports import free_port
from serving.app import create_app
from serving.emails.smtp import MailServer
from serving.emails.texts import Letterhead
from serving.jobs.postman import Postman
from serving.options import ApiOptions
from tests.serving.conftest import DATA_KEY, PASSWORD, Account, a_name, running

LETTERHEAD = Letterhead("AURORA_LIFE <no-reply@aurora.example.org>", "https://life.example.org")
KEEPS = "250 kept"


@dataclass
class MailCatcher:
    """A mail server that keeps what it is given, or answers as a test wants it to."""

    port: int = field(default_factory=free_port)
    answer: str = KEEPS
    taken: queue.SimpleQueue[EmailMessage] = field(default_factory=queue.SimpleQueue)
    _may_answer: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self._may_answer.set()

    def silence(self) -> None:
        """Take what comes, and say nothing."""
        self._may_answer.clear()

    def answer_again(self) -> None:
        self._may_answer.set()

    async def handle_RCPT(  # noqa: N802  # aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        del server, session, options
        if not self.answer.startswith("2"):
            return self.answer.format(address=address)
        envelope.rcpt_tos.append(address)
        return "250 known"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802  # the same
        del server, session
        assert isinstance(envelope.content, bytes)
        message = email.message_from_bytes(envelope.content, policy=policy.default)
        assert message["To"] == envelope.rcpt_tos[0]
        self.taken.put(message)
        await asyncio.to_thread(self._may_answer.wait, 60)
        return self.answer

    @property
    def url(self) -> str:
        return f"smtp://127.0.0.1:{self.port}"

    @contextmanager
    def at_work(self) -> Iterator[None]:
        controller = Controller(self, hostname="127.0.0.1", port=self.port)
        controller.start()
        try:
            yield
        finally:
            controller.stop()

    def all(self) -> list[EmailMessage]:
        """What came since it was last asked."""
        return [self.taken.get_nowait() for _ in range(self.taken.qsize())]


@dataclass
class PostOffice:
    """What a test of e-mails has at hand."""

    client: httpx.AsyncClient
    mail: MailCatcher
    database: str
    jobs_url: str

    @property
    def postman(self) -> Postman:
        return Postman(self.jobs_url, DATA_KEY, MailServer.of(self.mail.url), LETTERHEAD)

    async def deliver(self) -> list[EmailMessage]:
        """Everything that is due, and what the mail server has got since."""
        postman = self.postman
        async with await psycopg.AsyncConnection.connect(self.jobs_url, autocommit=True) as connection:
            while await postman.deliver_one(connection):
                pass
        return self.mail.all()

    async def register(self, address: str | None = None, username: str = "") -> Account:
        """Somebody new who is logged in; with an address that waits for its confirmation."""
        username = username or a_name()
        wanted = {"username": username, "password": PASSWORD} | ({"email": address} if address else {})
        registered = await self.client.post("/api/v1/auth/register", json=wanted)
        assert registered.status_code == 201, registered.text
        login = await self.log_in(username)
        return Account(registered.json()["user_id"], username, login.json())

    async def confirmed(self, address: str) -> Account:
        """Somebody new with a confirmed address."""
        account = await self.register(address)
        [message] = await self.deliver()
        assert (await self.post("email/confirm", token=token_in(message))).status_code == 204
        return account

    async def log_in(self, name: str, password: str = PASSWORD) -> httpx.Response:
        return await self.post("login", username=name, password=password)

    async def post(self, path: str, account: Account | None = None, **body: Any) -> httpx.Response:
        headers = account.headers if account else {}
        return await self.client.post(f"/api/v1/auth/{path}", json=body or None, headers=headers)

    async def me(self, account: Account) -> dict[str, Any]:
        answer = await self.client.get("/api/v1/auth/me", headers=account.headers)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def execute(self, statement: str) -> list[tuple[Any, ...]]:
        """A statement of the owner, for what only time would bring about, and to look."""
        with psycopg.connect(self.database, autocommit=True) as connection:
            cursor = connection.execute(statement)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType, reportCallIssue]
            return cursor.fetchall() if cursor.description else []


@asynccontextmanager
async def a_post_office(
    settings: Settings, database: str, role_url: Callable[..., str], options: ApiOptions
) -> AsyncIterator[PostOffice]:
    of_this_database = settings.model_copy(update={"postgres_url": role_url("aurora_serving", database)})
    mail = MailCatcher()
    with mail.at_work():
        async with running(create_app(of_this_database, options)) as client:
            yield PostOffice(client, mail, database, role_url("aurora_jobs", database))


def token_in(message: EmailMessage) -> str:
    """What the link of an e-mail has behind its `#`."""
    found = re.search(r"^ {4}https://life\.example\.org/[a-z-]+#(\S+)$", text_of(message), re.MULTILINE)
    assert found, text_of(message)
    return found[1]


def text_of(message: EmailMessage) -> str:
    return str(message.get_content()).replace("\r\n", "\n")
