"""The Faust app: how the streams consume. What they do is in the agents of each noun."""

from __future__ import annotations

from typing import Any, Final

import faust
import structlog
from aiokafka.errors import GroupAuthorizationFailedError, KafkaError, TopicAuthorizationFailedError
from faust.transport.drivers.aiokafka import AIOKafkaConsumerThread, Consumer, Transport
from mode import Service

from aurora.settings import Settings

log = structlog.get_logger(__name__)

APP_ID: Final = "aurora-streams"
"""Also the name of the consumer group."""

FETCH_WAIT_MS: Final = 10
"""How long the broker may hold back an empty answer. The embedded one always does, to the full, also when a
message comes meanwhile: Faust's own 1.5 s would be the delay of every event. Asking so often costs a process that
has nothing to do 5 % of a core; 20 ms would cost 4 %, 50 ms would cost 2 %."""


ERRORS_ASKED_FOR_SECONDS: Final = 0.5
"""How often a worker asks whether joining failed."""


class _Thread(AIOKafkaConsumerThread):
    """Faust's consumer, which gets messages promptly, and joins the group again when joining failed."""

    def _create_worker_consumer(self, transport: Any) -> Any:
        consumer = super()._create_worker_consumer(transport)
        # Faust has no setting for it; aiokafka reads it when the consumer starts.
        consumer._fetch_max_wait_ms = FETCH_WAIT_MS  # noqa: SLF001
        return consumer

    @Service.task
    async def _join_anew_after_errors(self) -> None:
        """After an error aiokafka waits until its caller was told of it, and then joins again. Faust asks for
        messages, and so is told, only once it has partitions: a worker that failed to join would wait for ever.

        The embedded broker lets a member fail whose SyncGroup comes after the leader's.
        """
        while not self.should_stop:
            await self.sleep(ERRORS_ASKED_FOR_SECONDS)
            coordinator = self._consumer and self._consumer._coordinator  # noqa: SLF001  # aiokafka tells nobody else
            if coordinator:
                join_anew(coordinator)


def join_anew(coordinator: Any) -> None:
    """Take note of what kept this member out of the group, with which aiokafka joins again. What people have
    to allow first is raised.
    """
    try:
        coordinator.check_errors()
    except (GroupAuthorizationFailedError, TopicAuthorizationFailedError):
        raise
    except KafkaError as error:
        log.warning("group_joined_anew", reason=str(error))


class _Consumer(Consumer):
    def _new_consumer_thread(self) -> AIOKafkaConsumerThread:
        return _Thread(self, loop=self.loop, beacon=self.beacon)


class _Transport(Transport):
    Consumer = _Consumer


def create_app(settings: Settings) -> faust.App:
    """The app without agents: at least once, one message after the other, no tables, no web server."""
    brokers = [f"kafka://{address.strip()}" for address in settings.need("kafka_bootstrap").split(",")]
    app = faust.App(
        APP_ID,
        broker=brokers,
        datadir=settings.data_dir / "run" / "streams",
        store="memory://",
        autodiscover=False,
        processing_guarantee="at_least_once",
        consumer_auto_offset_reset="earliest",
        key_serializer="raw",
        value_serializer="raw",
        # Topics are made before the start where the broker can; a leader topic is of no use here.
        topic_allow_declare=False,
        topic_disable_leader=True,
        broker_check_crcs=settings.kafka_check_crcs,
        # After kill -9 the group goes on in 11–22 s instead of a minute.
        broker_session_timeout=10,
        broker_heartbeat_interval=3,
        broker_commit_interval=1.0,
        producer_linger=0.01,
        stream_wait_empty=False,
        web_enabled=False,
        web_bind="127.0.0.1",
        worker_redirect_stdouts=False,
    )
    app.transport = _Transport(app.conf.broker_consumer, app)
    return app
