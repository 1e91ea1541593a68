"""A world of one's own for each test: a database, an API, somebody with an account, and a dispatcher beside it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import httpx
import psycopg
import pytest
from psycopg.rows import dict_row
from standardwebhooks import Webhook as Signer

from aurora.notices.messages import Notice
from aurora.settings import Settings
from serving.app import create_app
from serving.webhooks.destinations import Resolver
from serving.webhooks.dispatcher import Dispatcher, Send
from serving.webhooks.options import WebhookOptions
from serving.webhooks.sending import Sender
from tests.serving.conftest import DATA_KEY, Account, log_in, quick, running
from tests.serving.live_server import Teller, until
from tests.serving.webhooks.networks import LOOPBACK
from tests.serving.webhooks.receiver import Received, Receiver

PATH = "/api/v1/webhooks"


def webhook_options(**options: Any) -> WebhookOptions:
    """Receivers on loopback may be sent to; looks are frequent."""
    return WebhookOptions(
        **{"private_networks": LOOPBACK, "look_seconds": 0.05, "timeout_seconds": 5, **options}
    )


@dataclass
class World:
    """What a test needs to tell somebody something and see it arrive."""

    client: httpx.AsyncClient
    ada: Account
    teller: Teller
    owner_url: str
    jobs_url: str
    redis_url: str

    async def ask(self, method: str, path: str = "", status: int = 200, **more: Any) -> Any:
        """The JSON of an answer of the API."""
        answer = await self.client.request(method, PATH + path, headers=self.ada.headers, **more)
        assert answer.status_code == status, answer.text
        return answer.json() if answer.content else None

    async def subscribe(self, receiver: Receiver, *types: str, path: str = "/hooks") -> dict[str, Any]:
        """A webhook of Ada's."""
        wanted = {"url": receiver.url(path), "event_types": list(types or ("insights.made",))}
        return await self.ask("POST", status=201, json=wanted)

    async def tell(self, *notices: Notice) -> None:
        await self.teller.tell(self.ada.user_id, *notices)

    def dispatcher(self, send: Send | None = None, **options: Any) -> Dispatcher:
        given = webhook_options(**options)
        sender = Sender(Resolver(2), given.rules, timeout_seconds=given.timeout_seconds)
        return Dispatcher(self.jobs_url, self.redis_url, DATA_KEY, given, send or sender.send)

    @asynccontextmanager
    async def dispatching(self, **options: Any) -> AsyncIterator[Dispatcher]:
        dispatcher = self.dispatcher(**options)
        async with dispatcher.running():
            yield dispatcher

    async def deliveries(self, webhook: dict[str, Any], **query: Any) -> list[dict[str, Any]]:
        """Of a webhook, the oldest first."""
        page = await self.ask("GET", f"/{webhook['webhook_id']}/deliveries", params=query)
        return page["items"][::-1]

    def rows(self, query: str, *values: Any) -> list[dict[str, Any]]:
        """What is in the database, or what a change in it gives back."""
        with psycopg.connect(self.owner_url, autocommit=True) as connection:
            cursor = connection.cursor(row_factory=dict_row)
            cursor.execute(query, values)  # type: ignore[arg-type]
            return [] if cursor.description is None else cursor.fetchall()

    async def let_time_pass(self) -> None:
        """All that waits is due, and no process holds anything any more."""
        # In a thread: a dispatcher of this loop may hold rows, and has to go on to give them back.
        await asyncio.to_thread(
            self.rows,
            "update app.webhook_deliveries set next_attempt_at = now(),"
            " leased_until = leased_until - interval '1 hour' where delivered_at is null and failed_at is null",
        )

    async def until_row(self, query: str, *values: Any) -> dict[str, Any]:
        """The first row, as soon as there is one."""
        await until(lambda: bool(self.rows(query, *values)))
        return self.rows(query, *values)[0]

    async def until_settled(self, webhook: dict[str, Any], attempts: int = 1) -> None:
        """So many attempts of this webhook are written down."""
        await until(lambda: len(self.attempts(webhook)) >= attempts)

    def attempts(self, webhook: dict[str, Any]) -> list[dict[str, Any]]:
        return self.rows(
            "select webhook_attempts.* from app.webhook_attempts join app.webhook_deliveries using (delivery_id)"
            " where webhook_id = %s order by attempted_at",
            webhook["webhook_id"],
        )


def verified(received: Received, secret: str) -> dict[str, Any]:
    """The message, of somebody who verifies it as the documentation says."""
    return Signer(secret).verify(received.body, received.headers)


def number_in(message: dict[str, Any]) -> int:
    """Of a numbered notice."""
    return UUID(message["data"]["insight_ids"][0]).int


@pytest.fixture
async def world(
    settings: Settings, committed_database: str, role_url: Callable[..., str], redis_url: str
) -> AsyncIterator[World]:
    serving_url = role_url("aurora_serving", committed_database)
    own = settings.model_copy(update={"postgres_url": serving_url, "redis_url": redis_url})
    async with running(create_app(own, quick(webhooks=webhook_options()))) as client:
        yield World(
            client=client,
            ada=await log_in(client),
            teller=Teller(own),
            owner_url=committed_database,
            jobs_url=role_url("aurora_jobs", committed_database),
            redis_url=redis_url,
        )


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with Receiver().open() as receiver:
        yield receiver
