"""What the commands of the streams show a person."""

from __future__ import annotations

import asyncio
import time
from uuid import UUID

import psycopg
from redis.asyncio import Redis
from redis.exceptions import RedisError
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from aurora.errors import AuroraError, ServiceUnavailableError
from aurora.settings import Settings
from streams.events.outbox import StreamsStatus, read_status
from streams.features.people import read_everybody, read_people
from streams.features.rebuild import Rebuilt, rebuild
from streams.worker import connect_redis

console = Console(highlight=False)
if not console.is_terminal:
    console.width = 160  # a file or a pipe does not wrap


class PersonNotFoundError(AuroraError):
    def __init__(self, user_id: UUID) -> None:
        super().__init__(f"there is nobody with the id {user_id}")


def show_rebuild(settings: Settings, user_id: UUID | None, *, from_log: bool) -> None:
    """`aurora streams rebuild`."""
    asyncio.run(_rebuild(settings, user_id, from_log=from_log))


def show_status(settings: Settings) -> None:
    """`aurora streams status`."""
    status, tiles = asyncio.run(_look(settings))
    table = Table(show_header=False, box=None)
    for label, value in _lines(status, tiles):
        table.add_row(label, value)
    console.print(table)


async def _rebuild(settings: Settings, user_id: UUID | None, *, from_log: bool) -> None:
    redis = connect_redis(settings.need("redis_url"))
    connection = await _connect(settings)
    try:
        if user_id is None:
            people = await read_everybody(connection)
        else:
            people = list((await read_people(connection, [user_id])).values())
            if not people:
                raise PersonNotFoundError(user_id)
        await connection.commit()
        began = time.monotonic()
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
        )
        with Progress(*columns, console=console, transient=True) as progress:
            task = progress.add_task("rebuilding people", total=len(people))
            rebuilt = await rebuild(
                connection,
                redis,
                people,
                from_log=from_log,
                told=lambda done: progress.update(task, completed=done),
            )
        seconds = max(time.monotonic() - began, 1e-3)
        console.print(
            f"Live tiles of {rebuilt.people:,} people rebuilt: {rebuilt.tiles:,} tiles of 28 days in "
            f"{seconds:.1f} s ({rebuilt.people / seconds:,.0f} people/s). {_source(rebuilt)}"
        )
    except RedisError as error:
        raise ServiceUnavailableError("Redis", type(error).__name__) from error
    finally:
        await connection.close()
        await redis.aclose()


async def _look(settings: Settings) -> tuple[StreamsStatus, int | None]:
    connection = await _connect(settings)
    redis = connect_redis(settings.need("redis_url"))
    try:
        return await read_status(connection), await _count_tiles(redis)
    finally:
        await redis.aclose()
        await connection.close()


async def _connect(settings: Settings) -> psycopg.AsyncConnection[tuple[object, ...]]:
    try:
        return await psycopg.AsyncConnection.connect(settings.need("postgres_url"), connect_timeout=5)
    except psycopg.OperationalError as error:
        raise ServiceUnavailableError("Postgres", str(error).strip().split("\n")[0]) from error


async def _count_tiles(redis: Redis) -> int | None:
    """People with tiles in Redis; None when it does not answer."""
    try:
        return sum([1 async for _ in redis.scan_iter(match="aurora:tiles:*", count=1000)])
    except RedisError:
        return None


def _source(rebuilt: Rebuilt) -> str:
    if rebuilt.source == "log":
        return "Read from the log."
    return (
        f"Read from the warehouse; {rebuilt.days_from_log:,} days touched since its last build from the log."
    )


def _lines(status: StreamsStatus, tiles: int | None) -> list[tuple[str, str]]:
    backlog = status.backlog
    relay = "[green]at work[/]" if status.has_relay else "[red]none is running[/]"
    redis = "[red]Redis does not answer[/]" if tiles is None else f"{tiles:,} of {status.people:,} people"
    return [
        ("relay", relay),
        ("waiting for the broker", f"{backlog.pending:,} messages{_age(backlog.oldest_pending_seconds)}"),
        ("in the broker", f"{backlog.in_flight:,} messages{_age(backlog.oldest_in_flight_seconds)}"),
        ("due later", f"{status.later:,} messages"),
        ("consumed in the last hour", f"{status.consumed_last_hour:,} messages{_delay(status)}"),
        ("dead letters of the streams", f"{status.dead_letters:,}"),
        ("live tiles", redis),
    ]


def _age(seconds: float) -> str:
    return f", the oldest for {seconds:,.1f} s" if seconds else ""


def _delay(status: StreamsStatus) -> str:
    if status.median_delay_seconds is None or status.p95_delay_seconds is None:
        return ""
    return (
        f", from commit to effect {status.median_delay_seconds * 1000:,.0f} ms in the middle, "
        f"{status.p95_delay_seconds * 1000:,.0f} ms at worst in 95 of 100"
    )
