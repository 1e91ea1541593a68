"""Samples: many small records that only together say something, sorted on disk and merged in order.

An export holds its records in any order and any number. They wait in a private SQLite database that lies on the
disk without a name and is gone with the process, so memory does not grow with them. What is merged depends on the
samples alone, never on the order in which they came: a later, larger export gives the same rows for the old days.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from itertools import groupby
from types import TracebackType
from typing import Final, NamedTuple, Self

from pipelines.ingestion.sources.nights import Segment, nights_of
from pipelines.ingestion.sources.records import RECORDS, Row, text_of_time

HOUR_MS: Final = 3_600_000
MILLI: Final = 1_000
"""Values are kept in thousandths, as integers: a sum of integers does not depend on its order."""

_WAITING: Final = 10_000


class Sample(NamedTuple):
    """One sample. Times are milliseconds since the epoch, or of the wall clock when `is_local`."""

    kind: str
    vendor: str
    series: str
    """What must not be added up with another: the device, or the stream of data."""
    device: str | None
    started_ms: int
    ended_ms: int
    value: int = 0
    label: str = ""
    zone: str | None = None
    recorded_ms: int | None = None
    is_local: bool = False


class Samples:
    """Takes samples in any order and gives out the rows that they make."""

    def __init__(self) -> None:
        # No name: SQLite removes the file as soon as it is open, and a killed process leaves nothing behind.
        self._database = sqlite3.connect("")
        self._database.execute("pragma journal_mode = off")
        self._database.execute("pragma synchronous = off")
        self._database.execute("pragma temp_store = file")
        self._database.execute(
            "create table samples (kind, vendor, series, device, started_ms integer, ended_ms integer,"
            " value integer, label, zone, recorded_ms integer, is_local integer)"
        )
        self._waiting: list[Sample] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._database.close()

    def add(self, sample: Sample) -> None:
        self._waiting.append(sample)
        if len(self._waiting) >= _WAITING:
            self._flush()

    def rows(self) -> Iterator[Row]:
        """The rows that all samples together make."""
        self._flush()
        for kind, (order, merge) in _MERGES.items():
            yield from merge(self._sorted(kind, order))

    def _sorted(self, kind: str, order: str) -> Iterator[Sample]:
        cursor = self._database.execute(
            f"select * from samples where kind = ? order by {order}",  # noqa: S608  # listed below
            (kind,),
        )
        for row in cursor:
            yield Sample(*row)

    def _flush(self) -> None:
        self._database.executemany("insert into samples values (?,?,?,?,?,?,?,?,?,?,?)", self._waiting)
        self._waiting.clear()


def _hours(samples: Iterator[Sample]) -> Iterator[tuple[int, list[list[Sample]]]]:
    """Clock hours, each with its samples by series."""
    for (hour, _, _), found in groupby(samples, lambda s: (s.started_ms // HOUR_MS, s.vendor, s.is_local)):
        yield hour, [list(series) for _, series in groupby(found, lambda sample: sample.series)]


def _steps(samples: Iterator[Sample]) -> Iterator[Row]:
    """Steps of each hour, as the device counted them that counted most.

    A telephone in the pocket and a watch on the wrist count the same steps: their sum would count them twice.
    """
    for hour, by_series in _hours(samples):
        counted = [(sum(s.value for s in once), once) for once in map(_once, by_series)]
        steps, chosen = max(counted, key=lambda count: count[0])
        row = _row("steps", hour, chosen, sum(map(len, by_series)))
        yield row | {"steps": round(steps / MILLI), "device": chosen[0].device}


def _heart_rates(samples: Iterator[Sample]) -> Iterator[Row]:
    """The mean heart rate of each hour."""
    for hour, by_series in _hours(samples):
        # Raw and merged streams of one vendor hold one beat twice.
        once = _once([sample for series in by_series for sample in series])
        bpm = sum(sample.value for sample in once) / len(once) / MILLI
        devices = {sample.device for sample in once}
        row = _row("heart_rate", hour, once, sum(map(len, by_series)))
        yield row | {"bpm": round(bpm, 1), "device": devices.pop() if len(devices) == 1 else None}


def _meals(samples: Iterator[Sample]) -> Iterator[Row]:
    """What was eaten at one time: each food and each nutrient of it is a record of its own."""
    for _, found in groupby(samples, lambda sample: (sample.vendor, sample.series, sample.started_ms)):
        eaten = list(found)
        amounts: dict[str, float] = {}
        for sample in eaten:
            amounts[sample.label] = amounts.get(sample.label, 0) + sample.value
        first = eaten[0]
        row = _row("meal", 0, eaten, len(eaten)) | {"device": first.device, "modality": "self_reported"}
        row["key"] = f"{first.vendor}:meal:{first.series}:{text_of_time(first.started_ms)}"
        yield row | {label: amount / MILLI for label, amount in amounts.items()}


def _sleep(samples: Iterator[Sample]) -> Iterator[Row]:
    for (vendor, series), found in groupby(samples, lambda sample: (sample.vendor, sample.series)):
        segments = (
            Segment(s.started_ms, s.ended_ms, s.label, s.device, s.zone, s.recorded_ms) for s in found
        )
        for night in nights_of(segments):
            night["key"] = f"{vendor}:sleep:{series}:{night.pop('began_at')}"
            yield night | {"vendor": vendor}


def _row(event: str, hour: int, samples: list[Sample], count: int) -> Row:
    first = samples[0]
    recorded = [sample.recorded_ms for sample in samples if sample.recorded_ms is not None]
    row: Row = {
        "event": event,
        "vendor": first.vendor,
        "key": f"{first.vendor}:{event}:{text_of_time(hour * HOUR_MS, is_local=first.is_local)}",
        "started_at": text_of_time(first.started_ms, is_local=first.is_local),
        "ended_at": text_of_time(max(sample.ended_ms for sample in samples), is_local=first.is_local),
        "modality": "sensed",
        RECORDS: count,
    }
    if recorded:
        row["recorded_at"] = text_of_time(max(recorded))
    if zone := next((sample.zone for sample in samples if sample.zone), None):
        row["zone"] = zone
    return row


def _once(samples: list[Sample]) -> list[Sample]:
    """Without those that say the same of the same time."""
    return list({(s.started_ms, s.ended_ms, s.value): s for s in reversed(samples)}.values())[::-1]


_MERGES: Final[dict[str, tuple[str, Callable[[Iterator[Sample]], Iterator[Row]]]]] = {
    "sleep": ("vendor, series, started_ms, ended_ms, label", _sleep),
    "steps": (f"is_local, vendor, started_ms / {HOUR_MS}, series, started_ms, ended_ms, value", _steps),
    "heart_rate": (f"is_local, vendor, started_ms / {HOUR_MS}, series, started_ms, value", _heart_rates),
    "meal": ("vendor, series, started_ms, label, value", _meals),
}
