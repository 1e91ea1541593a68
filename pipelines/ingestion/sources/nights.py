"""Nights: the stages that a device wrote down one by one, merged into the sleeps that they were. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from pipelines.ingestion.sources.records import RECORDS, Row, text_of_time

NIGHT_GAP_MS: Final = 2 * 3_600_000
"""Two hours of nothing end a sleep. Time awake in bed is a stage of its own and ends none."""

LONGEST_MS: Final = 24 * 3_600_000
"""Nobody sleeps longer, and no chain of overlapping records may make one sleep of a year."""

NAP_MINUTES: Final = 180.0
NAP_AFTER_MS: Final = 4 * 3_600_000
NAP_WITHIN_MS: Final = 20 * 3_600_000

ASLEEP: Final = frozenset({"asleep", "light", "deep", "rem"})
STAGES: Final = ("light", "deep", "rem")


@dataclass(frozen=True, slots=True)
class Segment:
    """One stage of sleep, or of lying in bed: asleep, light, deep, rem, awake, in_bed."""

    started_ms: int
    ended_ms: int
    stage: str
    device: str | None = None
    zone: str | None = None
    recorded_ms: int | None = None


def nights_of(segments: Iterable[Segment]) -> Iterator[Row]:
    """The sleeps of one device, from its segments in order of their start."""
    woken_ms: int | None = None
    for sleep in _sleeps(segments):
        row = _row(sleep)
        asleep = [segment for segment in sleep if segment.stage in ASLEEP]
        if asleep:
            fell_ms = min(segment.started_ms for segment in asleep)
            awake_ms = fell_ms - woken_ms if woken_ms is not None else 0
            # Looking back only: what is exported later changes nothing of it.
            row["is_nap"] = row["asleep_minutes"] < NAP_MINUTES and NAP_AFTER_MS <= awake_ms <= NAP_WITHIN_MS
            if not row["is_nap"]:
                woken_ms = max(segment.ended_ms for segment in asleep)
        yield row


def _sleeps(segments: Iterable[Segment]) -> Iterator[list[Segment]]:
    sleep: list[Segment] = []
    until = 0
    for segment in segments:
        is_apart = segment.started_ms - until > NIGHT_GAP_MS
        if sleep and (is_apart or segment.ended_ms - sleep[0].started_ms > LONGEST_MS):
            yield sleep
            sleep = []
        until = max(until, segment.ended_ms) if sleep else segment.ended_ms
        sleep.append(segment)
    if sleep:
        yield sleep


def _row(sleep: list[Segment]) -> Row:
    asleep = [segment for segment in sleep if segment.stage in ASLEEP]
    span = asleep or sleep
    started_ms, ended_ms = min(s.started_ms for s in span), max(s.ended_ms for s in span)
    row: Row = {
        # Lying in bed is no sleep: without a stage of sleep the row holds no event.
        "event": "sleep" if asleep else "in_bed",
        "began_at": text_of_time(sleep[0].started_ms),
        "started_at": text_of_time(started_ms),
        "ended_at": text_of_time(ended_ms),
        "device": sleep[0].device,
        "modality": "sensed",
        RECORDS: len(sleep),
    }
    recorded = [segment.recorded_ms for segment in sleep if segment.recorded_ms is not None]
    if recorded:
        row["recorded_at"] = text_of_time(max(recorded))
    if zone := next((segment.zone for segment in sleep if segment.zone), None):
        row["zone"] = zone
    if not asleep:
        return row
    row["asleep_minutes"] = _minutes(asleep)
    for stage in STAGES:
        if found := [segment for segment in asleep if segment.stage == stage]:
            row[f"{stage}_minutes"] = _minutes(found)
    awake = [segment for segment in sleep if segment.stage == "awake"]
    within = [_cut(segment, started_ms, ended_ms) for segment in awake]
    if within := [segment for segment in within if segment.ended_ms > segment.started_ms]:
        row["awake_minutes"] = _minutes(within)
    if any(segment.stage == "in_bed" for segment in sleep):
        # Whoever sleeps is in bed, whatever the telephone on the table saw of it.
        row["in_bed_minutes"] = _minutes(sleep)
        row["efficiency_percent"] = round(100 * row["asleep_minutes"] / row["in_bed_minutes"], 1)
    return row


def _cut(segment: Segment, started_ms: int, ended_ms: int) -> Segment:
    return Segment(max(segment.started_ms, started_ms), min(segment.ended_ms, ended_ms), segment.stage)


def _minutes(segments: list[Segment]) -> float:
    """Time that at least one of them covers: a stage written down twice was slept once."""
    covered, until = 0, None
    for segment in sorted(segments, key=lambda segment: segment.started_ms):
        start = segment.started_ms if until is None else max(segment.started_ms, until)
        covered += max(0, segment.ended_ms - start)
        until = segment.ended_ms if until is None else max(until, segment.ended_ms)
    return round(covered / 60_000, 2)
