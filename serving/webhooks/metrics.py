"""The metrics of webhooks. No label has a webhook, an address or a person in it."""

from __future__ import annotations

from typing import Final

from prometheus_client import Counter, Gauge

ATTEMPTS: Final = Counter(
    "aurora_webhooks_attempts_total", "Attempts to deliver: delivered, or the problem", ["outcome"]
)
DUE: Final = Gauge(
    "aurora_webhooks_due_deliveries",
    "Deliveries whose next attempt should have begun",
    multiprocess_mode="livemostrecent",
)
