"""The summary of one import: what became of every row of the file and of every event in it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID

STORED_OUTCOMES = ("accepted", "duplicate", "superseded", "conflict")


@dataclass
class ImportSummary:
    """What one run did.

    Rows = with events + empty + not read + rejected; of an export its records count as rows.
    Events = accepted + duplicate + superseded + conflict + rejected.
    """

    file_name: str
    mapping: str
    cohort: str
    batch_id: UUID
    state: str = "copying"
    rows: int = 0
    rows_with_events: int = 0
    rows_empty: int = 0
    rows_not_read: int = 0
    not_read: Counter[str] = field(default_factory=Counter)
    """Records of an export that AURORA has no type for, by their type in the export."""
    rows_rejected: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    """Events by outcome; `rejected` among them are events of a row that may hold good ones as well."""
    types: Counter[str] = field(default_factory=Counter)
    """Good events by type, whatever their outcome."""
    reasons: Counter[str] = field(default_factory=Counter)
    """Dead letters by reason code: whole rows and single events."""
    held_back_because: str | None = None
    data_docs: Path | None = None
    """What Great Expectations wrote of it, where that was asked for."""
    people: int = 0
    zone: str | None = None
    """Of the person whose every row is: where times without an offset were read, and local days counted."""
    seconds: float = 0.0

    @property
    def rejected(self) -> int:
        """All dead letters of this import."""
        return self.reasons.total()

    @property
    def events(self) -> int:
        return self.outcomes.total()

    @property
    def rows_are_accounted_for(self) -> bool:
        told = self.rows_with_events + self.rows_empty + self.rows_not_read + self.rows_rejected
        return self.rows == told
