"""Before the start: are Postgres, Redis and the broker there, is the schema new enough, are there topics?

Each is waited for with back-off; what stays away ends the process with one line that says so.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Final

import psycopg
import stamina
import structlog
from aiokafka import AIOKafkaClient
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import KafkaError, TopicAlreadyExistsError
from redis.asyncio import Redis
from redis.exceptions import RedisError

from aurora.errors import AuroraError, ServiceUnavailableError
from aurora.settings import Settings
from aurora.topics import ALL_TOPICS, PARTITIONS

log = structlog.get_logger(__name__)

PATIENCE: Final = timedelta(seconds=60)
_AWAY: Final = (psycopg.OperationalError, RedisError, KafkaError, OSError, TimeoutError)
_ALREADY_THERE: Final = TopicAlreadyExistsError.errno
_MOST_REPLICAS: Final = 3


class SchemaTooOldError(AuroraError):
    def __init__(self) -> None:
        super().__init__("the database is older than this program: run `aurora migrate`")


class TopicNotMadeError(AuroraError):
    def __init__(self, topic: str, reason: str) -> None:
        super().__init__(f"topic {topic} could not be made: {reason}")


async def wait_for_services(settings: Settings, redis: Redis, patience: timedelta = PATIENCE) -> None:
    """Return when all is there; ServiceUnavailableError names what stayed away."""
    bootstrap = settings.need("kafka_bootstrap")
    checks: dict[str, Callable[[], Awaitable[None]]] = {
        "Postgres": lambda: _check_postgres(settings.need("postgres_url")),
        "Redis": lambda: _check_redis(redis),
        "The broker": lambda: _check_broker(bootstrap, makes_topics=settings.kafka_may_create_topics),
    }
    for service, check in checks.items():
        try:
            async for attempt in stamina.retry_context(
                on=_AWAY, attempts=None, timeout=patience, wait_initial=0.1, wait_max=5.0, wait_jitter=0.5
            ):
                with attempt:
                    await check()
        except _AWAY as error:
            raise ServiceUnavailableError(service, _in_a_line(error)) from error


async def create_topics(bootstrap: str, topics: tuple[str, ...] = ALL_TOPICS) -> None:
    """Make the topics that do not exist. Faust would ignore a missing one for ever."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap, client_id="aurora-streams-admin")
    await admin.start()
    try:
        replicas = min(_MOST_REPLICAS, len((await admin.describe_cluster())["brokers"]))
        answer = await admin.create_topics(
            [NewTopic(name, PARTITIONS, replicas) for name in topics], timeout_ms=10_000
        )
    finally:
        await admin.close()
    for name, code, *message in answer.topic_errors:  # pyright: ignore[reportAttributeAccessIssue]  # made per version
        if code not in {0, _ALREADY_THERE}:
            raise TopicNotMadeError(name, f"error {code} {message[0] if message else ''}".strip())
        log.info("topic_ready", topic=name, is_new=code == 0)


async def _check_postgres(url: str) -> None:
    async with await psycopg.AsyncConnection.connect(url, connect_timeout=5) as connection:
        try:
            await connection.execute("select consumed_at from raw.outbox limit 0")
        except (psycopg.errors.UndefinedTable, psycopg.errors.UndefinedColumn) as error:
            raise SchemaTooOldError from error


async def _check_redis(redis: Redis) -> None:
    await redis.ping()


async def _check_broker(bootstrap: str, *, makes_topics: bool) -> None:
    client = AIOKafkaClient(bootstrap_servers=bootstrap, request_timeout_ms=5000)
    try:
        await client.bootstrap()
    finally:
        await client.close()
    if makes_topics:
        await create_topics(bootstrap)


def _in_a_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
