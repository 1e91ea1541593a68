"""Fitbit: the JSON of its account archive (Google Takeout, or fitbit.com before) and of its former Web API.

The archive mixes two clocks. Minutes of steps and heart rate, and workouts, are written in UTC; sleep and weight
by the wall clock, without a zone, and so is all that the Web API gave. A wall-clock time is read in the person's
zone when its row becomes an event.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from typing import Any, Final

from pipelines.ingestion.sources.records import (
    RECORDS,
    NotRead,
    RecordUnreadableError,
    Row,
    milliseconds,
    number,
    text_of_time,
    time,
)
from pipelines.ingestion.sources.samples import MILLI, Sample, Samples

VENDOR: Final = "fitbit"
_US_TIME: Final = "%m/%d/%y %H:%M:%S"
_US_DAY: Final = "%m/%d/%y"
_PREFIX: Final = re.compile(r"[a-z_]+")
_POUND: Final = 0.45359237
_HEIGHTS: Final = (1.2, 2.25)
"""Of people, in metres: weight and BMI give the height, and the height the unit of the weight."""
_UNSET_TIME: Final = "23:59:59"
"""What Fitbit writes as the time of a weight that was typed in for a day."""
_KILOMETRES: Final = {"Kilometer": 1_000.0, "Mile": 1_609.344, "": 1_000.0}


class FitbitEntries:
    """Takes the entries of one JSON file."""

    vendor = VENDOR

    def __init__(self, file_name: str, samples: Samples, not_read: NotRead) -> None:
        found = _PREFIX.match(file_name)
        # The archive says what its minutes count in the file's name only.
        self._counted = found[0].strip("_") if found else "entry"
        self._samples, self._not_read = samples, not_read
        self._day: str | None = None

    def take(self, key: str | None, value: Any) -> Iterator[Row]:
        """The rows of one entry. KeyError when nothing here knows it."""
        if not isinstance(value, dict):
            raise KeyError(key)
        match key:
            case "activities-steps":
                yield _steps_of_day(value)
            case "activities-heart":
                self._day = str(value.get("dateTime"))
                if isinstance(value.get("value"), dict):
                    yield _resting_of_day(value)
                else:
                    # The mean of whatever was asked for: of five minutes as likely as of a day.
                    self._not_read["fitbit mean heart rate"] += 1
            case "activities-heart-intraday":
                self._take_minutes_of_heart(value)
            case "activities-steps-intraday":
                # The day's total stands beside it, and counts.
                self._not_read["fitbit minutes of a day whose total is read"] += len(value.get("dataset", ()))
            case None | "sleep" | "weight" | "activities":
                yield from self._log(value)
            case _:
                raise KeyError(key)

    def _log(self, log: dict[str, Any]) -> Iterator[Row]:
        if "dateOfSleep" in log:
            yield _sleep(log)
        elif "weight" in log:
            yield _weight(log)
        elif "logId" in log and ("activityName" in log or "activityParentId" in log):
            yield _exercise(log)
        elif "dateTime" in log:
            yield from self._counted_or_measured(log, log.get("value"))
        else:
            raise KeyError(None)

    def _counted_or_measured(self, log: dict[str, Any], value: Any) -> Iterator[Row]:
        if isinstance(value, dict) and "bpm" in value:
            if number(value.get("confidence", 1), "confidence") == 0:
                self._not_read["fitbit heart rate of confidence 0"] += 1
                return
            self._add("heart_rate", _instant(log["dateTime"], "dateTime"), value["bpm"], "bpm")
        elif isinstance(value, dict) and {"date", "value"} <= value.keys():
            yield _resting(value)
        elif self._counted == "steps":
            self._add("steps", _instant(log["dateTime"], "dateTime"), value, "value")
        else:
            self._not_read[f"fitbit {self._counted}"] += 1

    def _take_minutes_of_heart(self, value: dict[str, Any]) -> None:
        for minute in value.get("dataset", ()):
            started = time(f"{self._day} {minute.get('time')}", "time")
            self._add("heart_rate", started, minute.get("value"), "value", is_local=True)

    def _add(self, kind: str, started: datetime, value: object, name: str, *, is_local: bool = False) -> None:
        at_ms = milliseconds(started)
        length_ms = 60_000 if kind == "steps" else 0
        self._samples.add(
            Sample(
                kind,
                VENDOR,
                "",
                None,
                at_ms,
                at_ms + length_ms,
                round(number(value, name) * MILLI),
                is_local=is_local,
            )
        )


def hrv_row(timestamp: str, rmssd: str) -> Row:
    """A day of the archive's `Daily Heart Rate Variability Summary`."""
    day = time(timestamp, "timestamp").date().isoformat()
    return _row("hrv", day) | {"day": day, "rmssd_ms": number(rmssd, "rmssd"), "modality": "sensed"}


def _sleep(log: dict[str, Any]) -> Row:
    started, ended = time(log.get("startTime"), "startTime"), time(log.get("endTime"), "endTime")
    row = _row("sleep", log.get("logId") or started.isoformat()) | {
        "started_at": started.isoformat(),
        "ended_at": ended.isoformat(),
        "asleep_minutes": number(log.get("minutesAsleep"), "minutesAsleep"),
        "modality": "sensed",
    }
    if "duration" in log:
        row["elapsed_ms"] = number(log["duration"], "duration")
    for column, name in (
        ("in_bed_minutes", "timeInBed"),
        ("awake_minutes", "minutesAwake"),
        ("efficiency_percent", "efficiency"),
    ):
        if log.get(name) is not None:
            row[column] = number(log[name], name)
    summary = (log.get("levels") or {}).get("summary") or {}
    for stage in ("deep", "light", "rem"):
        if isinstance(summary.get(stage), dict):
            row[f"{stage}_minutes"] = number(summary[stage].get("minutes"), stage)
    if log.get("isMainSleep", log.get("mainSleep", True)) is False:
        row["is_nap"] = True
    return row


def _exercise(log: dict[str, Any]) -> Row:
    name = log.get("activityName") or log.get("name") or log.get("activityParentName") or "other"
    row = _row("exercise", log.get("logId")) | {
        "kind": str(name).strip().lower()[:64],
        # What does not say that a tracker noticed it was typed in.
        "modality": "self_reported" if log.get("logType", "manual") == "manual" else "sensed",
    }
    row |= _start_of_exercise(log)
    if "duration" in log:
        if "started_at" in row:
            row["elapsed_ms"] = number(log["duration"], "duration")
        row["duration_minutes"] = number(log.get("activeDuration", log["duration"]), "duration") / 60_000
    if log.get("calories"):
        row["energy_kcal"] = number(log["calories"], "calories")
    if log.get("distance"):
        row["distance_m"] = _metres(log["distance"], str(log.get("distanceUnit") or ""))
    for level in log.get("activityLevel") or ():
        column = {"fairly": "moderate_minutes", "very": "vigorous_minutes"}.get(level.get("name"))
        if column:
            row[column] = number(level.get("minutes"), "minutes")
    if log.get("lastModified"):
        row["recorded_at"] = text_of_time(milliseconds(_instant(log["lastModified"], "lastModified")))
    return row


def _start_of_exercise(log: dict[str, Any]) -> Row:
    if "startDate" not in log:
        return {"started_at": text_of_time(milliseconds(_instant(log.get("startTime"), "startTime")))}
    if log.get("hasStartTime") is False:
        # Fitbit then writes a time that nobody stated.
        return {"day": time(log["startDate"], "startDate").date().isoformat()}
    return {"started_at": time(f"{log['startDate']} {log.get('startTime')}", "startTime").isoformat()}


def _metres(distance: object, unit: str) -> float:
    if unit not in _KILOMETRES:
        raise RecordUnreadableError(f"the unit {unit[:20]!r} of distance is not known")
    return round(number(distance, "distance") * _KILOMETRES[unit], 3)


def _weight(log: dict[str, Any]) -> Row:
    day, clock = str(log.get("date")), str(log.get("time") or _UNSET_TIME)
    is_american = "/" in day
    written = number(log["weight"], "weight")
    row = _row("weight", log.get("logId") or f"{day} {clock}")
    row["weight_kg"] = round(written * _kilograms(written, log.get("bmi"), is_american=is_american), 3)
    row["modality"] = "sensed" if str(log.get("source", "")).startswith("Aria") else "self_reported"
    at = time(f"{day} {clock}", "date and time", _US_TIME if is_american else "iso")
    if clock == _UNSET_TIME:
        row["day"] = at.date().isoformat()
    else:
        row["started_at"] = at.isoformat()
    return row


def _kilograms(written: float, bmi: object, *, is_american: bool) -> float:
    """What one unit of a weight is: no field says it, but a BMI fits to one unit only."""
    if bmi:
        height = (written / max(number(bmi, "bmi"), 0.1)) ** 0.5
        return 1.0 if _HEIGHTS[0] <= height <= _HEIGHTS[1] else _POUND
    return _POUND if is_american else 1.0


def _steps_of_day(value: dict[str, Any]) -> Row:
    day = time(value.get("dateTime"), "dateTime").date().isoformat()
    return _row("steps", day) | {
        "day": day,
        "steps": number(value.get("value"), "value"),
        "modality": "sensed",
    }


def _resting_of_day(value: dict[str, Any]) -> Row:
    day = time(value.get("dateTime"), "dateTime").date().isoformat()
    row = _row("resting_heart_rate", day) | {"day": day, "modality": "sensed"}
    if (stated := value["value"].get("restingHeartRate")) is not None:
        row["bpm"] = number(stated, "restingHeartRate")
    return row


def _resting(value: dict[str, Any]) -> Row:
    """A day of the archive. One that was not measured has no date and the rate 0."""
    if not value.get("date"):
        return {"event": "resting_heart_rate", RECORDS: 1}
    day = time(value["date"], "date", _US_DAY).date().isoformat()
    row = _row("resting_heart_rate", day) | {"day": day, "modality": "sensed"}
    return row | {"bpm": round(number(value["value"], "value"), 2)}


def _row(event: str, key: object) -> Row:
    if key is None:
        raise RecordUnreadableError("it has no logId")
    return {"event": event, "vendor": VENDOR, "key": f"{VENDOR}:{event}:{key}", RECORDS: 1}


def _instant(text: object, name: str) -> datetime:
    """A time in UTC, as the archive writes it, or with an offset."""
    return time(text, name, _US_TIME if "/" in str(text) else "iso")
