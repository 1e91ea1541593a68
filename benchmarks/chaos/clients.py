"""Clients of the chaos test: people whose apps post at a steady rate and send again whatever was not answered."""

from __future__ import annotations

import asyncio
import json
import random
import time
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from urllib.parse import urlsplit

import httpx

from benchmarks.http_load import request

PASSWORD: Final = "a sentence that one remembers"  # of people who live for a minute
GIVE_UP_SECONDS: Final = 120.0
ANSWER_SECONDS: Final = 10.0
MOST_AT_ONCE: Final = 100
ZONES: Final = ("Europe/Oslo", "America/New_York", "Asia/Kolkata", "Pacific/Apia")


@dataclass
class Account:
    user_id: str
    tz: str
    token: str


@dataclass
class Posts:
    """What was posted and what was acknowledged: (person, event, version) → payload."""

    acknowledged: dict[tuple[str, str, int], dict[str, Any]] = field(default_factory=dict)
    outcomes: dict[str, int] = field(default_factory=dict)
    repeats: int = 0
    given_up: int = 0
    refused: list[str] = field(default_factory=list)
    slowest_seconds: float = 0.0


class Clients:
    """Posts `per_second` events of `people`, each until it is acknowledged."""

    def __init__(self, api: str, *, people: int, per_second: float, seed: int) -> None:
        self._people_count = people
        self._per_second = per_second
        self._random = random.Random(seed)  # noqa: S311  # which events, not which secrets
        self._api = urlsplit(api)
        self._client = httpx.AsyncClient(base_url=api, timeout=30)
        self._at_once = asyncio.Semaphore(MOST_AT_ONCE)
        self._people: list[Account] = []
        self._corrected: list[tuple[Account, dict[str, Any]]] = []
        self.posts = Posts()

    @property
    def people(self) -> list[Account]:
        return self._people

    async def log_in(self) -> None:
        for number in range(self._people_count):
            wanted = {"username": f"p-{uuid.uuid4().hex[:10]}", "password": PASSWORD}
            tz = ZONES[number % len(ZONES)]
            registered = await self._client.post("/api/v1/auth/register", json=wanted | {"tz": tz})
            registered.raise_for_status()
            login = (await self._client.post("/api/v1/auth/login", json=wanted)).raise_for_status()
            token = login.json()["access_token"]
            self._people.append(Account(registered.json()["user_id"], tz, token))
        await self._client.aclose()

    async def post_until(self, stopped: asyncio.Event) -> None:
        """Keep the rate whatever the answers are; at the end wait for the last ones."""
        under_way: set[asyncio.Task[None]] = set()
        began, sent = time.monotonic(), 0
        while not stopped.is_set():
            due = int((time.monotonic() - began) * self._per_second)
            for _ in range(due - sent):
                task = asyncio.create_task(self._post(*self._next()))
                under_way.add(task)
                task.add_done_callback(under_way.discard)
            sent = max(sent, due)
            await asyncio.sleep(0.02)
        if under_way:
            await asyncio.wait(under_way, timeout=GIVE_UP_SECONDS)

    def _next(self) -> tuple[Account, dict[str, Any]]:
        """A new event, or now and then a correction or deletion of one that was acknowledged before."""
        if self._corrected and self._random.random() < 0.2:
            who, event = self._corrected.pop(self._random.randrange(len(self._corrected)))
            changed = event | {"version": event["version"] + 1}
            if self._random.random() < 0.3:
                return who, changed | {"is_deleted": True, "payload": {}}
            return who, changed | self._what()
        who = self._random.choice(self._people)
        at = datetime.now(UTC) - timedelta(minutes=self._random.randrange(1, 20 * 24 * 60))
        event = {
            "event_id": str(uuid.uuid4()),
            "version": 1,
            "started_at": at.isoformat(),
            "source": {"name": "chaos"},
        }
        return who, event | self._what()

    def _what(self) -> dict[str, Any]:
        number = self._random.randrange(21) / 2
        return self._random.choice(
            [
                {"type": "energy.rated", "payload": {"energy": number}},
                {"type": "mood.rated", "payload": {"valence": (number - 5) / 5}},
                {"type": "steps.counted", "payload": {"steps": int(number * 500)}},
                {"type": "caffeine.consumed", "payload": {"caffeine_mg": number * 20}},
            ]
        )

    async def _post(self, who: Account, event: dict[str, Any]) -> None:
        """Post one event, again and again with growing pauses, until it is acknowledged."""
        began, pause = time.monotonic(), 0.1
        while time.monotonic() - began < GIVE_UP_SECONDS:
            status, told = await self._send(who, event)
            if status in {200, 201}:
                self._acknowledge(who, event, told["outcome"], time.monotonic() - began)
                return
            if status and status < 500 and status != 429:
                self.posts.refused.append(f"{status} {told.get('code')}: {told.get('detail')}")
                return
            self.posts.repeats += 1
            await asyncio.sleep(pause * (0.5 + self._random.random()))
            pause = min(pause * 2, 2.0)
        self.posts.given_up += 1

    async def _send(self, who: Account, event: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        """Status and answer of one attempt; status 0 when there was none.

        On a connection of its own: httpx looks through all of its connections for each request, which is more work
        than what the API does once hundreds of requests wait.
        """
        wanted = request(
            "/api/v1/events", json.dumps(event).encode(), token=who.token, more="Connection: close\r\n"
        )
        try:
            async with self._at_once, asyncio.timeout(ANSWER_SECONDS):
                reader, writer = await asyncio.open_connection(self._api.hostname, self._api.port)
                try:
                    writer.write(wanted)
                    head, _, body = (await reader.read()).partition(b"\r\n\r\n")
                finally:
                    writer.close()
            return int(head.split(b" ", 2)[1]), json.loads(body)
        except (OSError, TimeoutError, ValueError, IndexError):
            return 0, {}

    def _acknowledge(self, who: Account, event: dict[str, Any], outcome: str, seconds: float) -> None:
        posts = self.posts
        posts.acknowledged[who.user_id, event["event_id"], event["version"]] = event["payload"]
        posts.outcomes[outcome] = posts.outcomes.get(outcome, 0) + 1
        posts.slowest_seconds = max(posts.slowest_seconds, seconds)
        if not event.get("is_deleted") and event["version"] < 3:
            self._corrected.append((who, event))
