"""A Kafka-protocol broker inside this process: librdkafka's own, on a loopback port that it chooses itself.

It speaks the real protocol over TCP, makes topics by itself (4 partitions) and keeps about 5 MB of each
partition. Nothing survives a restart, and nothing has to: Kafka only moves what Postgres
already has.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from confluent_kafka import KafkaException, Producer

from infra.errors import ServiceStartError


@dataclass
class EmbeddedBroker:
    """Lives as long as this object: the broker's threads belong to its client."""

    _client: Producer | None = field(default=None, repr=False)

    def start(self) -> str:
        """Start the broker and return its address, "127.0.0.1:port"."""
        self._client = Producer({"test.mock.num.brokers": 1, "log_level": 3})
        try:
            brokers = self._client.list_topics(timeout=10).brokers
        except KafkaException as error:
            self._client = None
            raise ServiceStartError("broker", str(error)) from error
        (broker,) = brokers.values()
        return f"{broker.host}:{broker.port}"

    def stop(self) -> None:
        self._client = None
