"""One open socket: whose it is, what it hears, and how far it has heard."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Final

from aurora.notices.log import Written
from aurora.notices.messages import Subject
from serving.auth.tokens import AccessToken
from serving.live.cursors import Cursor, Place
from serving.live.feeds import Feed
from serving.live.messages import (
    Heartbeat,
    Ping,
    Pong,
    Subscribe,
    Subscribed,
    Welcome,
    opening_of,
    read_action,
    refused,
    with_cursor,
)
from serving.live.topics import topic_of, topics_of, wanted_subjects
from serving.live.wire import Wire

NOT_LOGGED_IN: Final = 4401
GOING_AWAY: Final = 1012


class Socket:
    """A connection of one person. `own` and `everybody` are how far it has heard in the two lines."""

    __slots__ = ("_expiry", "announcements", "everybody", "feed", "own", "subjects", "token", "wire")

    def __init__(
        self,
        wire: Wire,
        token: AccessToken,
        subjects: frozenset[Subject],
        feed: Feed,
        announcements: Feed,
    ) -> None:
        self.wire = wire
        self.token = token
        self.subjects = subjects
        self.feed = feed
        self.announcements = announcements
        self.own = feed.position
        self.everybody = announcements.position
        self._expiry: asyncio.TimerHandle | None = None

    @property
    def cursor(self) -> Cursor:
        return Cursor(Place(self.feed.epoch, self.own), Place(self.announcements.epoch, self.everybody))

    @property
    def topics(self) -> list[str]:
        return sorted(
            topic for topic, subject in topics_of(self.token.user_id).items() if subject in self.subjects
        )

    def welcome(self, heartbeat_seconds: float) -> None:
        hello = Welcome(topics=self.topics, heartbeat_seconds=heartbeat_seconds, cursor=str(self.cursor))
        self.wire.push(hello.model_dump_json())

    def hear(self, written: Written, opening: str | None) -> bool:
        """Tell this notice unless it was told before or is not wanted; whether it was told."""
        if written.user_id == self.token.user_id:
            if written.position <= self.own:
                return False
            self.own = written.position
        else:
            if written.position <= self.everybody:
                return False
            self.everybody = written.position
        if opening is None or written.subject not in self.subjects:
            return False
        self.wire.push(with_cursor(opening, str(self.cursor)))
        return True

    def beat(self) -> None:
        self.wire.push(Heartbeat(cursor=str(self.cursor)).model_dump_json())

    def end(self, code: int, reason: str) -> None:
        """Close as soon as may be."""
        self.wire.end(code, reason)

    async def listen(self, *, lifetime_seconds: float) -> None:
        """Answer the client until it leaves, its token ends, or somebody calls `end`."""
        self._expiry = asyncio.get_running_loop().call_later(
            max(0.0, lifetime_seconds), self.end, NOT_LOGGED_IN, "the access token has expired"
        )
        try:
            while (message := await self.wire.receive())["type"] == "websocket.receive":
                text = message.get("text")
                self.wire.push(refused("frames-are-text") if text is None else self._answer(text))
        finally:
            self._expiry.cancel()

    def _answer(self, text: str) -> str:
        action = read_action(text)
        if isinstance(action, str):
            return refused(action)
        if isinstance(action, Ping):
            return Pong().model_dump_json()
        named = wanted_subjects(self.token.user_id, action.topics)
        if named is None:
            return refused("topic-forbidden")
        self.subjects = self.subjects | named if isinstance(action, Subscribe) else self.subjects - named
        return Subscribed(topics=self.topics, cursor=str(self.cursor)).model_dump_json()


def tell(sockets: Iterable[Socket], written: Written) -> int:
    """Tell a notice to whoever of these has not heard it; how many that were. Its JSON is made once."""
    topic = topic_of(written.user_id, written.subject)
    opening = None if topic is None else opening_of(written, topic)
    return sum([socket.hear(written, opening) for socket in sockets])
