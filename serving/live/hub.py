"""The hub of one worker: from the log of notices to the sockets that are open here, in order and once.

Everything that is told is read from the log. Knocks on Redis say when to look; a look every few seconds finds
what nobody knocked for, and while Redis is away the looks are frequent. A socket that resumes reads the log at
its own pace until it has heard what the others have, and joins them in the same step of the event loop.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby, islice
from typing import Final, TypeVar
from uuid import UUID

import psycopg
import structlog

from aurora import clock
from aurora.database.connections import connect_at_length
from aurora.notices.log import EVERYBODY, Head, Written, read_after, read_changed
from aurora.tasks import end
from aurora.telemetry import WEBSOCKETS
from serving.auth.sessions import closed_families
from serving.auth.tokens import AccessToken
from serving.database import Connection, Database
from serving.errors import TooManySocketsError
from serving.live.cursors import Cursor
from serving.live.feeds import Feed
from serving.live.knocking import Knocks
from serving.live.messages import ResyncReason, resync
from serving.live.metrics import NOTICE_DELAY, NOTICES_SENT, RESYNCS
from serving.live.sockets import GOING_AWAY, NOT_LOGGED_IN, Socket, tell
from serving.options import ApiOptions

log = structlog.get_logger(__name__)

MOST_READ: Final = 500
"""Notices of one person that are read at once."""
MOST_PEOPLE: Final = 1_000
"""People that one query is about."""
MOST_PUSHED: Final = 200
"""Messages pushed before the event loop gets to write them out."""
LOOK_WITHOUT_KNOCKS_SECONDS: Final = 0.5
PAUSE_SECONDS: Final = 0.5
T = TypeVar("T")
AWAY: Final = (psycopg.OperationalError, psycopg.InterfaceError, OSError)


class Hub:
    """Knows every open socket of this worker."""

    def __init__(self, postgres_url: str, redis_url: str, database: Database, options: ApiOptions) -> None:
        self._postgres_url = postgres_url
        self._database = database
        self._options = options
        self._announcements = Feed(EVERYBODY)
        self._feeds: dict[UUID, Feed] = {EVERYBODY: self._announcements}
        self._knocks = Knocks(redis_url, wanted=self._feeds.keys, on_knock=self._on_knock)
        self._behind: set[UUID] = set()
        self._is_behind = asyncio.Event()
        self._beats: deque[tuple[float, Socket]] = deque()
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        jobs = {
            "knocks": self._knocks.listen(),
            "catching-up": self._catch_up(),
            "looks": self._look(),
            "heartbeats": self._beat(),
            "logins": self._check_logins(),
        }
        self._tasks = [asyncio.create_task(job, name=f"hub-{name}") for name, job in jobs.items()]

    async def stop(self) -> None:
        for socket in list(self._announcements.sockets):
            socket.end(GOING_AWAY, "the server restarts; connect again")
        await end(self._tasks)
        await self._knocks.close()

    # --- sockets come and go -------------------------------------------------------------------------------

    def hold(self, token: AccessToken, own: Head, everybody: Head) -> tuple[Feed, Feed]:
        """A place for one more socket of this person; TooManySocketsError when there is none."""
        feed = self._feeds.get(token.user_id)
        if feed is None:
            feed = self._feeds[token.user_id] = Feed(token.user_id)
            feed.begin_at(own)
        if feed.holders >= self._options.sockets_per_person:
            raise TooManySocketsError(self._options.sockets_per_person)
        if not self._announcements.holders:
            self._announcements.begin_at(everybody)
        # A line that was begun after this worker looked: its name is known now, its notices come.
        feed.epoch = feed.epoch or own.epoch
        self._announcements.epoch = self._announcements.epoch or everybody.epoch
        for held in (feed, self._announcements):
            held.holders += 1
        WEBSOCKETS.inc()
        return feed, self._announcements

    async def release(self, feed: Feed, socket: Socket | None) -> None:
        """Give the place back."""
        WEBSOCKETS.dec()
        for held in (feed, self._announcements):
            held.holders -= 1
        if socket is not None:
            feed.sockets.discard(socket)
            self._announcements.sockets.discard(socket)
        if not feed.holders and self._feeds.get(feed.user_id) is feed:
            del self._feeds[feed.user_id]
            await self._knocks.leave(feed.user_id)

    async def join(self, socket: Socket, cursor: Cursor | None, refusal: ResyncReason | None) -> None:
        """Greet a socket, tell it what it missed since its cursor, and let it hear what comes."""
        if not socket.feed.has_ears:
            socket.feed.has_ears = True
            await self._knocks.want(socket.token.user_id)
        if cursor is not None and refusal is None:
            socket.own, socket.everybody = cursor.own.position, cursor.everybody.position
        else:
            socket.own, socket.everybody = socket.feed.position, socket.announcements.position
        socket.welcome(self._options.heartbeat_seconds)
        if refusal is not None:
            self._resync(socket, refusal)
        while not socket.wire.is_gone and self._is_missing(socket):
            await self._replay(socket)
        # No await since the last look: nothing can come between what was replayed and what comes live.
        socket.feed.sockets.add(socket)
        socket.announcements.sockets.add(socket)
        beat_at = asyncio.get_running_loop().time() + self._options.heartbeat_seconds
        self._beats.append((beat_at, socket))

    @staticmethod
    def _is_missing(socket: Socket) -> bool:
        return socket.own < socket.feed.position or socket.everybody < socket.announcements.position

    async def _replay(self, socket: Socket) -> None:
        """Tell the next part of what a socket missed, at the pace at which it takes it."""
        known = {socket.token.user_id: socket.own, EVERYBODY: socket.everybody}
        async with self._database.transaction() as connection:
            missed = await read_after(connection, known, most=MOST_READ)
        if not missed:
            self._resync(socket, "cursor-too-old")
        for written in missed:
            heard = socket.everybody if written.user_id == EVERYBODY else socket.own
            if written.position > heard + 1:
                self._resync(socket, "cursor-too-old")  # housekeeping was here in between
                return
            await socket.wire.room()
            NOTICES_SENT.labels("replayed").inc(tell([socket], written))

    @staticmethod
    def _resync(socket: Socket, reason: ResyncReason) -> None:
        RESYNCS.labels(reason).inc()
        socket.own, socket.everybody = socket.feed.position, socket.announcements.position
        socket.wire.push(resync(reason, str(socket.cursor)))

    # --- from the log to the sockets -----------------------------------------------------------------------

    def _on_knock(self, user_id: UUID, position: int) -> None:
        feed = self._feeds.get(user_id)
        if feed is not None and (position < 0 or position > feed.position):
            self._note_behind([user_id])

    def _note_behind(self, user_ids: Iterable[UUID]) -> None:
        self._behind.update(user_ids)
        if self._behind:
            self._is_behind.set()

    async def _catch_up(self) -> None:
        """Read what lies behind each knock, for ever. While one query runs, the knocks for the next gather."""
        while True:
            try:
                # A connection of its own: what happens now does not wait behind requests.
                async with await connect_at_length(self._postgres_url) as connection:
                    self._note_behind(self._feeds)
                    while True:
                        await self._is_behind.wait()
                        self._is_behind.clear()
                        await self._read(connection)
            except AWAY as error:
                log.warning("hub_log_away", problem=type(error).__name__)
            await asyncio.sleep(PAUSE_SECONDS)

    async def _read(self, connection: Connection) -> None:
        behind, self._behind = self._behind, set()
        try:
            for part in _parts(behind, MOST_PEOPLE):
                known = {user_id: self._feeds[user_id].position for user_id in part if user_id in self._feeds}
                written = await read_after(connection, known, most=MOST_READ)
                await self._deliver(written)
                behind -= set(part)
        finally:
            self._note_behind(behind)  # those that a failure has left

    async def _deliver(self, read: Sequence[Written]) -> None:
        pushed = 0
        for user_id, notices in groupby(read, key=lambda written: written.user_id):
            count = 0
            for written in notices:
                count += 1
                for sockets in self._listeners(user_id, written):
                    told = tell(sockets, written)
                    NOTICES_SENT.labels("live").inc(told)
                    pushed += told
                    if pushed >= MOST_PUSHED:
                        pushed = 0
                        await asyncio.sleep(0)
            if count == MOST_READ:
                self._note_behind([user_id])

    def _listeners(self, user_id: UUID, written: Written) -> Iterator[list[Socket]]:
        """Move the feed on by one notice; the sockets that follow it, in parts."""
        feed = self._feeds.get(user_id)
        if feed is None or written.position <= feed.position:
            return iter(())
        if feed.epoch not in {"", written.epoch} or written.position > feed.position + 1:
            self._begin_anew(feed, Head(user_id, written.epoch, written.position))
            return iter(())
        feed.epoch, feed.position = written.epoch, written.position
        NOTICE_DELAY.observe(max(0.0, (clock.now() - written.written_at).total_seconds()))
        return _parts(feed.sockets, MOST_PUSHED)

    def _begin_anew(self, feed: Feed, head: Head) -> None:
        """The line is not the one that was read so far: its sockets come again and are told to resync."""
        log.warning("notices_begun_anew", user_id=str(feed.user_id))
        feed.begin_at(head)
        for socket in list(feed.sockets):
            socket.end(GOING_AWAY, "the log of notices has changed; connect again")

    async def _look(self) -> None:
        """See whether something was told that nobody knocked for."""
        step = min(self._options.look_seconds, LOOK_WITHOUT_KNOCKS_SECONDS)
        waited = 0.0
        while True:
            await asyncio.sleep(step)
            waited += step
            if waited < self._options.look_seconds and not self._knocks.is_away:
                continue
            waited = 0.0
            try:
                for part in _parts([feed.head for feed in self._feeds.values()], MOST_PEOPLE):
                    async with self._database.transaction() as connection:
                        changed = await read_changed(connection, part)
                    known = {head.user_id: head for head in part}
                    for head in changed:
                        self._compare(known[head.user_id], head)
            except AWAY as error:
                log.warning("hub_look_failed", problem=type(error).__name__)

    def _compare(self, known: Head, found: Head) -> None:
        feed = self._feeds.get(known.user_id)
        if feed is None:
            return
        if known.epoch not in {"", found.epoch} or found.position < known.position:
            self._begin_anew(feed, found)
        else:
            self._note_behind([known.user_id])

    # --- what happens by the clock -------------------------------------------------------------------------

    async def _beat(self) -> None:
        """Heartbeats of all sockets. They are due in the order in which they last were."""
        interval = self._options.heartbeat_seconds
        loop = asyncio.get_running_loop()
        while True:
            now = loop.time()
            while self._beats and self._beats[0][0] <= now:
                _, socket = self._beats.popleft()
                if not socket.wire.is_gone:
                    socket.beat()
                    self._beats.append((now + interval, socket))
            await asyncio.sleep(min(interval / 4, 0.5))

    async def _check_logins(self) -> None:
        """Close the sockets of logins that were closed. One query for many of them."""
        while True:
            await asyncio.sleep(self._options.heartbeat_seconds)
            for sockets in _parts(self._announcements.sockets, MOST_PEOPLE):
                families = list({socket.token.family_id for socket in sockets})
                try:
                    async with self._database.transaction() as connection:
                        closed = await closed_families(connection, families)
                except psycopg.Error:
                    break  # asked again at the next turn; the token's own end comes anyway
                for socket in sockets:
                    if socket.token.family_id in closed:
                        socket.end(NOT_LOGGED_IN, "this login was closed")


def _parts(items: Iterable[T], size: int) -> Iterator[list[T]]:
    """The items as they are now, in parts."""
    rest = iter(list(items))
    while part := list(islice(rest, size)):
        yield part
