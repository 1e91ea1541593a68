"""The Faust app: how the streams consume. What they do is in the agents of each noun."""

from __future__ import annotations

from typing import Any, Final

import faust
from faust.transport.drivers.aiokafka import AIOKafkaConsumerThread, Consumer, Transport

from aurora.settings import Settings

APP_ID: Final = "aurora-streams"
"""Also the name of the consumer group."""

FETCH_WAIT_MS: Final = 50
"""How long the broker may hold back an empty answer. The embedded one always does, to the full, also when a
message comes meanwhile: Faust's own 1.5 s would be the delay of every event."""


class _PromptThread(AIOKafkaConsumerThread):
    def _create_worker_consumer(self, transport: Any) -> Any:
        consumer = super()._create_worker_consumer(transport)
        # Faust has no setting for it; aiokafka reads it when the consumer starts.
        consumer._fetch_max_wait_ms = FETCH_WAIT_MS  # noqa: SLF001
        return consumer


class _PromptConsumer(Consumer):
    def _new_consumer_thread(self) -> AIOKafkaConsumerThread:
        return _PromptThread(self, loop=self.loop, beacon=self.beacon)


class _PromptTransport(Transport):
    Consumer = _PromptConsumer


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
    app.transport = _PromptTransport(app.conf.broker_consumer, app)
    return app
