"""The node of Apache Kafka that marked tests run against does what the embedded broker cannot."""

from __future__ import annotations

import uuid

import pytest
from confluent_kafka import KafkaError, Producer
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

pytestmark = pytest.mark.kafka


def test_topics_are_made_on_purpose_with_their_partitions(apache_kafka: str) -> None:
    admin = AdminClient({"bootstrap.servers": apache_kafka})
    name = f"letters-{uuid.uuid4()}"

    admin.create_topics([NewTopic(name, 3)])[name].result(20)

    assert len(admin.list_topics(name, timeout=10).topics[name].partitions) == 3


def test_no_topic_is_made_by_accident(apache_kafka: str) -> None:
    producer = Producer({"bootstrap.servers": apache_kafka, "message.timeout.ms": 2000})
    outcomes: list[KafkaError | None] = []

    producer.produce(f"typo-{uuid.uuid4()}", b"lost?", on_delivery=lambda error, _: outcomes.append(error))
    producer.flush(10)

    assert [outcome is None for outcome in outcomes] == [False]
