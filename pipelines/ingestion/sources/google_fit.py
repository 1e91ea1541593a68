"""Google Fit: the data points of Takeout's `Fit/All Data`, and of its REST interface.

Takeout holds every stream of data there was: what a sensor counted, what Google derived from it, and what it merged
out of both. The same steps stand in several of them, so streams are never added up.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from pipelines.ingestion.sources.nights import LONGEST_MS
from pipelines.ingestion.sources.records import (
    RECORDS,
    NotRead,
    RecordUnreadableError,
    Row,
    number,
    text_of_time,
)
from pipelines.ingestion.sources.samples import MILLI, Sample, Samples

VENDOR: Final = "google-fit"
SOURCES: Final = ("dataSourceId", "Data Source")
POINTS: Final = ("point", "Data Points")

_SLEEP: Final = {72: "asleep", 109: "light", 110: "deep", 111: "rem", 112: "awake"}
_SLEEP_SEGMENTS: Final = {1: "awake", 2: "asleep", 3: "awake", 4: "light", 5: "deep", 6: "rem"}
_NO_EXERCISE: Final = frozenset({0, 3, 4, 5, 38, 117, 118})
"""In a vehicle, still, unknown, tilting, housework, lifts and escalators."""
_ON_FOOT: Final = frozenset({2, 7})
_WALK_MINUTES: Final = 10.0
"""A shorter walk that the telephone noticed is steps, not exercise."""
_MEDITATION: Final = 45
_ACTIVITIES: Final = {
    1: "biking",
    2: "on foot",
    7: "walking",
    8: "running",
    9: "aerobics",
    10: "badminton",
    12: "basketball",
    15: "mountain biking",
    16: "road biking",
    17: "spinning",
    18: "stationary biking",
    20: "boxing",
    21: "calisthenics",
    22: "circuit training",
    24: "dancing",
    25: "elliptical",
    29: "football",
    32: "golf",
    33: "gymnastics",
    35: "hiking",
    40: "kayaking",
    44: "martial arts",
    49: "pilates",
    52: "rock climbing",
    53: "rowing",
    54: "rowing machine",
    56: "jogging",
    58: "treadmill running",
    62: "skating",
    65: "skiing",
    67: "cross-country skiing",
    68: "downhill skiing",
    73: "snowboarding",
    76: "squash",
    77: "stair climbing",
    80: "strength training",
    82: "swimming",
    83: "pool swimming",
    84: "open-water swimming",
    85: "table tennis",
    87: "tennis",
    89: "volleyball",
    93: "fitness walking",
    94: "nordic walking",
    95: "treadmill walking",
    97: "weightlifting",
    100: "yoga",
    101: "zumba",
    113: "crossfit",
    114: "high-intensity interval training",
    115: "interval training",
}


class GoogleFitEntries:
    """Takes the entries of one JSON file."""

    vendor = VENDOR

    def __init__(self, samples: Samples, not_read: NotRead) -> None:
        self._samples, self._not_read = samples, not_read
        self._series = ""

    def take(self, key: str | None, value: Any) -> Iterator[Row]:
        """The rows of one entry. KeyError when nothing here knows it."""
        if key in SOURCES:
            self._series = str(value)
        elif key in POINTS and isinstance(value, dict):
            row = self._row(value)
            if row is not None:
                yield row
        else:
            raise KeyError(key)

    def _row(self, point: dict[str, Any]) -> Row | None:
        kind = str(point.get("dataTypeName", "")).removeprefix("com.google.")
        match kind:
            case "step_count.delta":
                self._add("steps", point, round(_value(point) * MILLI))
            case "heart_rate.bpm":
                self._add("heart_rate", point, round(_value(point) * MILLI))
            case "sleep.segment":
                self._add("sleep", point, label=_SLEEP_SEGMENTS.get(int(_value(point)), ""))
            case "weight":
                return _event("weight", point) | {"weight_kg": round(_value(point), 3)}
            case "hydration":
                return _event("hydration", point) | {"volume_ml": round(_value(point) * 1_000, 3)}
            case "activity.segment":
                return self._segment(point, int(_value(point)))
            case _:
                self._not_read[f"google-fit {kind or 'point without a type'}"] += 1
        return None

    def _segment(self, point: dict[str, Any], activity: int) -> Row | None:
        if activity in _SLEEP:
            self._add("sleep", point, label=_SLEEP[activity])
            return None
        started_ms, ended_ms = _span(point)
        minutes = round((ended_ms - started_ms) / 60_000, 6)
        row = _event("exercise", point) | {"ended_at": text_of_time(ended_ms)}
        row["key"] += f":{activity}"
        if activity == _MEDITATION:
            return row | {"event": "meditation", "elapsed_minutes": minutes}
        if activity in _NO_EXERCISE or (activity in _ON_FOOT and minutes < _WALK_MINUTES):
            # Being carried, or a walk to the door: such a row holds no event.
            return row | {"event": "no_exercise"}
        return row | {"kind": _ACTIVITIES.get(activity, f"activity {activity}"), "duration_minutes": minutes}

    def _add(self, kind: str, point: dict[str, Any], value: int = 0, label: str = "") -> None:
        started_ms, ended_ms = _span(point)
        if kind == "sleep" and not label:
            raise RecordUnreadableError(f"{_value(point):g} is no stage of sleep")
        modified = point.get("modifiedTimeMillis")
        recorded_ms = int(number(modified, "modifiedTimeMillis")) if modified is not None else None
        # Steps of one stream may be added up, heart rates and stages of all of them are the same ones.
        series = self._series if kind == "steps" else ""
        self._samples.add(
            Sample(kind, VENDOR, series, None, started_ms, ended_ms, value, label, None, recorded_ms)
        )


def _event(event: str, point: dict[str, Any]) -> Row:
    started_ms, _ = _span(point)
    at = text_of_time(started_ms)
    origin = str(point.get("originDataSourceId", ""))
    row: Row = {
        "event": event,
        "vendor": VENDOR,
        # Not of which stream: the raw and the merged one hold the same.
        "key": f"{VENDOR}:{event}:{at}",
        "started_at": at,
        "modality": "self_reported" if origin.endswith("user_input") else "sensed",
        RECORDS: 1,
    }
    if (modified := point.get("modifiedTimeMillis")) is not None:
        row["recorded_at"] = text_of_time(int(number(modified, "modifiedTimeMillis")))
    return row


def _span(point: dict[str, Any]) -> tuple[int, int]:
    try:
        started_ms, ended_ms = (int(point[name]) // 1_000_000 for name in ("startTimeNanos", "endTimeNanos"))
        for at_ms in (started_ms, ended_ms):
            text_of_time(at_ms)
    except (KeyError, TypeError, ValueError, OverflowError):
        raise RecordUnreadableError("startTimeNanos or endTimeNanos is missing or no time") from None
    if not 0 <= ended_ms - started_ms <= LONGEST_MS:
        raise RecordUnreadableError("a point that is longer than a day, or ends before it starts")
    return started_ms, ended_ms


def _value(point: dict[str, Any]) -> float:
    """The number of a point: `value` of the REST interface, `fitValue` of Takeout."""
    found = point.get("value") or point.get("fitValue") or [{}]
    first = found[0] if isinstance(found, list) and isinstance(found[0], dict) else {}
    first = first.get("value", first)
    return number(first.get("fpVal", first.get("intVal")), "value")
