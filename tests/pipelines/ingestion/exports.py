"""Builders for tests of exports: documents of Apple's, archives, files of a Takeout."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from xml.sax.saxutils import quoteattr

from pipelines.ingestion.exports import read_export
from pipelines.ingestion.mapping_files import load_mapping
from pipelines.ingestion.recognition import recognise
from pipelines.ingestion.records import BadRow

STEPS = "HKQuantityTypeIdentifierStepCount"
HEART_RATE = "HKQuantityTypeIdentifierHeartRate"
SLEEP = "HKCategoryTypeIdentifierSleepAnalysis"
MASS = "HKQuantityTypeIdentifierBodyMass"
DOCTYPE = """<!DOCTYPE HealthData [
<!-- HealthKit Export Version: 14 -->
<!ELEMENT HealthData (ExportDate,Me,(Record|Correlation|Workout|ActivitySummary)*)>
<!ATTLIST HealthData
  locale CDATA #REQUIRED
>
]>
"""


def a_record(kind: str = STEPS, inside: str = "", **changes: Any) -> str:
    """A record of 100 steps, or as told. Attributes that are None are left out."""
    start = changes.get("startDate", "2024-01-15 08:00:00 +0100")
    attributes: dict[str, Any] = {
        "type": kind,
        "sourceName": "Watch",
        "unit": "count",
        "creationDate": changes.get("endDate", start),
        "startDate": start,
        "endDate": start,
        "value": "100",
    }
    return an_element("Record", inside, **attributes | changes)


def a_stage(stage: str, start: str, end: str, **changes: Any) -> str:
    """A stage of sleep between two times of the days around 2024-01-15."""
    times = {"startDate": f"2024-01-{start} +0100", "endDate": f"2024-01-{end} +0100"}
    return a_record(
        SLEEP, **{"unit": None, "value": f"HKCategoryValueSleepAnalysis{stage}", **times, **changes}
    )


def an_element(tag: str, inside: str = "", **attributes: Any) -> str:
    said = " ".join(
        f"{name}={quoteattr(str(value))}" for name, value in attributes.items() if value is not None
    )
    return f"<{tag} {said}>{inside}</{tag}>" if inside else f"<{tag} {said}/>"


def apple_xml(*records: str, doctype: str = DOCTYPE) -> str:
    inside = "\n ".join(records)
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n{doctype}<HealthData locale="en_GB">\n'
        f' <ExportDate value="2024-06-01 12:00:00 +0200"/>\n {inside}\n</HealthData>\n'
    )


def apple_export(path: Path, *records: str) -> Path:
    """`export.xml` with these records; inside `export.zip` when the path ends so."""
    if path.suffix == ".zip":
        return a_zip(
            path,
            {
                "apple_health_export/export.xml": apple_xml(*records),
                "apple_health_export/export_cda.xml": "<ClinicalDocument/>",
                "apple_health_export/workout-routes/route_2024-01-15.gpx": "<gpx/>",
            },
        )
    path.write_text(apple_xml(*records), encoding="utf-8")
    return path


def a_zip(path: Path, files: Mapping[str, str | bytes | list[Any] | dict[str, Any]]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content if isinstance(content, str | bytes) else json.dumps(content))
    return path


def read(path: Path, mapping: str | None = None) -> tuple[list[dict[str, Any]], list[BadRow], dict[str, int]]:
    """The rows of an export, what could not be read, and how much of which type nothing reads."""
    chosen = load_mapping(mapping) if mapping else recognise(path)
    rows, bad, not_read = [], [], {}
    for chunk in read_export(path, chosen):
        for _, text in chunk.rows:
            row = json.loads(text)
            if "not_read" in row:
                not_read[row["not_read"]] = row["records"]
            else:
                rows.append(row)
        bad += chunk.bad
    return rows, bad, not_read
