"""The metrics of the streams alone; those that other processes share are in `aurora.telemetry`."""

from __future__ import annotations

from prometheus_client import Counter, Gauge

RELAYED = Counter("aurora_streams_messages_relayed_total", "Outbox messages acknowledged by the broker")
CONSUMED = Counter("aurora_streams_messages_consumed_total", "Messages by outcome", ["outcome"])
OLDEST_PENDING = Gauge(
    "aurora_streams_outbox_oldest_pending_seconds",
    "Age of the oldest outbox row that waits for the broker",
    multiprocess_mode="livemax",
)
IN_FLIGHT = Gauge(
    "aurora_streams_in_flight_messages",
    "Messages that were published and had no effect yet",
    multiprocess_mode="livemax",
)
