"""The Kafka topics. A name says what happened: `aurora.<noun>.<past participle>.v<major>`.

A message carries ids only, never a payload: consumers read the log in Postgres, which is the truth.
"""

from __future__ import annotations

from typing import Final

EVENTS_ACCEPTED: Final = "aurora.events.accepted.v1"
EVENTS_REJECTED: Final = "aurora.events.rejected.v1"
PREDICTIONS_UPDATED: Final = "aurora.predictions.updated.v1"

ALL_TOPICS: Final = (EVENTS_ACCEPTED, EVENTS_REJECTED, PREDICTIONS_UPDATED)
PARTITIONS: Final = 4
