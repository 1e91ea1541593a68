"""Apple Health: `export.xml`, alone or inside `export.zip`, from records to rows and samples.

Apple writes every time with the offset that the telephone has at the moment of the export, in summer as in
winter and wherever the person was. The offset gives the instant and nothing else: the local day follows from the
record's own `HKTimeZone` where it has one, else from the person's zone.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Final

from pipelines.ingestion.sources.apple_types import (
    BEATS,
    HEART_RATE,
    KILOCALORIES,
    MEASUREMENTS,
    METRES,
    MINDFUL,
    NUTRIENTS,
    QUANTITY,
    SLEEP,
    SLEEP_VALUE,
    STAGES,
    STEPS,
)
from pipelines.ingestion.sources.apple_xml import ROOT, Element, elements
from pipelines.ingestion.sources.archive import ExportFile
from pipelines.ingestion.sources.nights import LONGEST_MS
from pipelines.ingestion.sources.records import (
    RECORDS,
    Bad,
    NotRead,
    RecordUnreadableError,
    Row,
    milliseconds,
    number,
    problem,
    text_of_time,
)
from pipelines.ingestion.sources.samples import MILLI, Sample, Samples

VENDOR: Final = "apple-health"
_HEAD_BYTES: Final = 1 << 18
_ABOUT_THE_EXPORT: Final = frozenset({"ExportDate", "Me"})


def is_ours(file: ExportFile) -> bool:
    """Whether this file of an export is Apple's record of everything."""
    head = file.head(_HEAD_BYTES)
    return head.lstrip(b"\xef\xbb\xbf \r\n\t").startswith(b"<") and ROOT.search(head) is not None


def read(file: ExportFile, samples: Samples, not_read: NotRead) -> Iterator[Row | Bad]:
    """The rows of one file; what only together makes a row goes to `samples`."""
    if not is_ours(file):
        not_read[file.kind] += 1
        return
    for element in elements(file.chunks()):
        if isinstance(element, Bad):
            yield element
            continue
        try:
            row = _row(element, samples, not_read)
        except RecordUnreadableError as error:
            row = problem({"tag": element.tag} | element.attributes, error)
        if row is not None:
            yield row


def _row(element: Element, samples: Samples, not_read: NotRead) -> Row | None:
    """The row of a record, or None when it waits among the samples or is only counted."""
    kind = element.attributes.get("type", element.tag)
    if element.tag in _ABOUT_THE_EXPORT:
        return None
    if element.tag == "Workout":
        return _workout(element)
    if element.tag == "StateOfMind" or kind.endswith("StateOfMind"):
        return _state_of_mind(element)
    if element.tag == "Record":
        return _of_record(element, kind, samples, not_read)
    # Correlations repeat records that stand in the file by themselves, summaries add them up.
    not_read[f"{element.tag} {kind}" if kind != element.tag else kind] += 1
    return None


def _of_record(element: Element, kind: str, samples: Samples, not_read: NotRead) -> Row | None:
    if kind in MEASUREMENTS:
        return _measurement(element, *MEASUREMENTS[kind])
    if kind == MINDFUL:
        return _event("meditation", element) | {"elapsed_minutes": _elapsed_minutes(element)}
    if (sample := _sample(element, kind)) is not None:
        samples.add(sample)
    else:
        not_read[kind] += 1
    return None


def _sample(element: Element, kind: str) -> Sample | None:
    """The sample that a record is, if it is one."""
    value, label = 0, ""
    if kind == SLEEP:
        event = "sleep"
        stage = element.attributes.get("value", "")
        if (label := STAGES.get(stage.removeprefix(SLEEP_VALUE), "")) == "":
            raise RecordUnreadableError(f"{stage[:40]!r} is no stage of sleep")
    elif kind == STEPS:
        event, value = "steps", round(number(element.attributes.get("value"), "value") * MILLI)
    elif kind == HEART_RATE:
        event, value = "heart_rate", round(_in_unit(element, BEATS) * MILLI)
    elif kind in NUTRIENTS:
        label, units = NUTRIENTS[kind]
        event, value = "meal", round(_in_unit(element, units) * MILLI)
    else:
        return None
    started, ended = _times(element)
    started_ms, ended_ms = milliseconds(started), milliseconds(ended)
    if not 0 <= ended_ms - started_ms <= LONGEST_MS:
        raise RecordUnreadableError(f"a sample from {started} to {ended}: longer than a day, or backwards")
    device = _device(element)
    recorded = _created(element)
    return Sample(
        event,
        VENDOR,
        device or "",
        device,
        started_ms,
        ended_ms,
        value,
        label,
        element.metadata.get("HKTimeZone"),
        milliseconds(recorded) if recorded else None,
    )


def _measurement(element: Element, event: str, column: str, units: dict[str, float]) -> Row:
    row = _event(event, element)
    row[column] = round(_in_unit(element, units), 6)
    if row["started_at"] == row["ended_at"]:
        del row["ended_at"]
    if event in {"hydration", "caffeine", "alcohol"}:
        row["modality"] = "self_reported"
    return row


def _workout(element: Element) -> Row:
    attributes = element.attributes
    row = _event("exercise", element)
    name = attributes.get("workoutActivityType", "").removeprefix("HKWorkoutActivityType")
    row["kind"] = _spaced(name) or "other"
    if "duration" in attributes:
        # Without its pauses, which its start and end do not tell.
        row["duration_minutes"] = _amount(
            attributes, "duration", "durationUnit", {"min": 1.0, "s": 1 / 60, "hr": 60.0}
        )
    else:
        row["duration_minutes"] = _elapsed_minutes(element)
    energy, distance = _totals(attributes, element.statistics)
    # 0 is what Apple writes of a workout that has no distance, or none that was measured.
    if energy > 0:
        row["energy_kcal"] = energy
    if distance > 0:
        row["distance_m"] = distance
    row["key"] += f":{name}"
    return row


def _totals(attributes: dict[str, str], statistics: dict[str, dict[str, str]]) -> tuple[float, float]:
    """Kilocalories and metres of a workout: in its statistics since iOS 16, in its attributes before."""
    energy = statistics.get(f"{QUANTITY}ActiveEnergyBurned", {})
    distances = (found for kind, found in statistics.items() if kind.startswith(f"{QUANTITY}Distance"))
    distance = next(distances, {})
    found = [0.0, 0.0]
    for at, (said, total, units) in enumerate(
        ((energy, "totalEnergyBurned", KILOCALORIES), (distance, "totalDistance", METRES))
    ):
        if "sum" in said:
            found[at] = _amount(said, "sum", "unit", units)
        elif total in attributes:
            found[at] = _amount(attributes, total, f"{total}Unit", units)
    return found[0], found[1]


def _state_of_mind(element: Element) -> Row:
    row = _event("mood", element) | {"modality": "self_reported"}
    stated = (
        element.attributes.get("valence"),
        element.metadata.get("HKStateOfMindValence"),
        element.metadata.get("HKValence"),
        element.attributes.get("value"),
    )
    row["valence"] = number(next((value for value in stated if value), None), "valence")
    if labels := element.attributes.get("labels"):
        row["labels"] = labels
    row.pop("ended_at")
    return row


def _event(event: str, element: Element) -> Row:
    """The cells that every row has."""
    started, ended = _times(element)
    device = _device(element)
    row: Row = {
        "event": event,
        "vendor": VENDOR,
        "key": f"{VENDOR}:{event}:{device or ''}:{text_of_time(milliseconds(started))}",
        "started_at": text_of_time(milliseconds(started)),
        "ended_at": text_of_time(milliseconds(ended)),
        "device": device,
        "modality": "self_reported" if element.metadata.get("HKWasUserEntered") == "1" else "sensed",
        RECORDS: 1,
    }
    if recorded := _created(element):
        row["recorded_at"] = text_of_time(milliseconds(recorded))
    if zone := element.metadata.get("HKTimeZone"):
        row["zone"] = zone
    return row


def _times(element: Element) -> tuple[datetime, datetime]:
    started = _time(element.attributes.get("startDate"), "startDate")
    ended = element.attributes.get("endDate")
    return started, _time(ended, "endDate") if ended else started


def _created(element: Element) -> datetime | None:
    created = element.attributes.get("creationDate")
    return _time(created, "creationDate") if created else None


def _time(text: str | None, name: str) -> datetime:
    """`2014-09-13 10:27:54 +0100`."""
    try:
        found = datetime.fromisoformat((text or "").replace(" +", "+").replace(" -", "-"))
    except ValueError:
        found = None
    if found is None or found.tzinfo is None:
        raise RecordUnreadableError(f"{name} is {(text or '')[:40]!r}, which is not a time with an offset")
    return found


def _device(element: Element) -> str | None:
    return element.attributes.get("sourceName", "").strip()[:200] or None


def _in_unit(element: Element, units: dict[str, float]) -> float:
    return _amount(element.attributes, "value", "unit", units)


def _amount(attributes: dict[str, str], name: str, unit: str, units: dict[str, float]) -> float:
    factor = units.get(attributes.get(unit, ""))
    if factor is None:
        raise RecordUnreadableError(
            f"the {unit} {attributes.get(unit, '')[:20]!r} of {name} is none of {', '.join(units)}"
        )
    return round(number(attributes.get(name), name) * factor, 6)


def _elapsed_minutes(element: Element) -> float:
    started, ended = _times(element)
    return round((milliseconds(ended) - milliseconds(started)) / 60_000, 6)


def _spaced(name: str) -> str:
    """`TraditionalStrengthTraining` in words."""
    return "".join(f" {letter.lower()}" if letter.isupper() else letter for letter in name).strip()[:64]
