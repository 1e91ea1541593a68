"""Apple Health: `export.xml`, alone or inside `export.zip`, from records to rows and samples.

Apple writes every time with the offset that the telephone has at the moment of the export, in summer as in
winter and wherever the person was. The offset gives the instant and nothing else: the local day follows from the
record's own `HKTimeZone` where it has one, else from the person's zone.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Final

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
_QUANTITY: Final = "HKQuantityTypeIdentifier"
_CATEGORY: Final = "HKCategoryTypeIdentifier"
_STEPS: Final = f"{_QUANTITY}StepCount"
_HEART_RATE: Final = f"{_QUANTITY}HeartRate"
_SLEEP: Final = f"{_CATEGORY}SleepAnalysis"
_MINDFUL: Final = f"{_CATEGORY}MindfulSession"
_BEATS: Final = {"count/min": 1.0, "count/s": 60.0}
_POUND: Final = 0.45359237

# Type → event, column, and what one of each unit is in ours.
_MEASUREMENTS: Final[dict[str, tuple[str, str, dict[str, float]]]] = {
    f"{_QUANTITY}RestingHeartRate": ("resting_heart_rate", "bpm", {"count/min": 1}),
    # Apple's is SDNN, which is not RMSSD and cannot become it.
    f"{_QUANTITY}HeartRateVariabilitySDNN": ("hrv_sdnn", "sdnn_ms", {"ms": 1, "s": 1_000}),
    f"{_QUANTITY}BodyMass": (
        "weight",
        "weight_kg",
        {"kg": 1, "g": 0.001, "lb": _POUND, "st": 14 * _POUND, "oz": _POUND / 16},
    ),
    f"{_QUANTITY}DietaryWater": (
        "hydration",
        "volume_ml",
        {
            "mL": 1,
            "cL": 10,
            "dL": 100,
            "L": 1_000,
            "fl_oz_us": 29.5735295625,
            "fl_oz_imp": 28.4130625,
            "cup_us": 236.5882365,
            "cup_imp": 284.130625,
            "pt_us": 473.176473,
            "pt_imp": 568.26125,
        },
    ),
    f"{_QUANTITY}DietaryCaffeine": ("caffeine", "caffeine_mg", {"mg": 1, "g": 1_000, "mcg": 0.001}),
    # Counted in standard drinks; the American one holds 14 g of alcohol.
    f"{_QUANTITY}NumberOfAlcoholicBeverages": ("alcohol", "alcohol_g", {"count": 14}),
}
_GRAMS: Final = {"g": 1.0, "mg": 0.001, "kg": 1_000.0}
_NUTRIENTS: Final[dict[str, tuple[str, dict[str, float]]]] = {
    f"{_QUANTITY}DietaryEnergyConsumed": (
        "energy_kcal",
        {"kcal": 1, "Cal": 1, "cal": 0.001, "kJ": 1 / 4.184, "J": 1 / 4_184},
    ),
    f"{_QUANTITY}DietaryProtein": ("protein_g", _GRAMS),
    f"{_QUANTITY}DietaryCarbohydrates": ("carbohydrate_g", _GRAMS),
    f"{_QUANTITY}DietaryFatTotal": ("fat_g", _GRAMS),
}
_STAGES: Final = {
    "InBed": "in_bed",
    "Asleep": "asleep",
    "AsleepUnspecified": "asleep",
    "AsleepCore": "light",
    "AsleepDeep": "deep",
    "AsleepREM": "rem",
    "Awake": "awake",
}
_SLEEP_VALUE: Final = "HKCategoryValueSleepAnalysis"
_METRES: Final = {"km": 1_000.0, "mi": 1_609.344, "m": 1.0, "yd": 0.9144, "ft": 0.3048}
_KILOCALORIES: Final = {"kcal": 1.0, "Cal": 1.0, "kJ": 1 / 4.184}


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
    if kind in _MEASUREMENTS:
        return _measurement(element, *_MEASUREMENTS[kind])
    if kind == _MINDFUL:
        return _event("meditation", element) | {"elapsed_minutes": _elapsed_minutes(element)}
    if (sample := _sample(element, kind)) is not None:
        samples.add(sample)
    else:
        not_read[kind] += 1
    return None


def _sample(element: Element, kind: str) -> Sample | None:
    """The sample that a record is, if it is one."""
    value, label = 0, ""
    if kind == _SLEEP:
        event = "sleep"
        stage = element.attributes.get("value", "")
        if (label := _STAGES.get(stage.removeprefix(_SLEEP_VALUE), "")) == "":
            raise RecordUnreadableError(f"{stage[:40]!r} is no stage of sleep")
    elif kind == _STEPS:
        event, value = "steps", round(number(element.attributes.get("value"), "value") * MILLI)
    elif kind == _HEART_RATE:
        event, value = "heart_rate", round(_in_unit(element, _BEATS) * MILLI)
    elif kind in _NUTRIENTS:
        label, units = _NUTRIENTS[kind]
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
    energy = statistics.get(f"{_QUANTITY}ActiveEnergyBurned", {})
    distances = (found for kind, found in statistics.items() if kind.startswith(f"{_QUANTITY}Distance"))
    distance = next(distances, {})
    found = [0.0, 0.0]
    for at, (said, total, units) in enumerate(
        ((energy, "totalEnergyBurned", _KILOCALORIES), (distance, "totalDistance", _METRES))
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
