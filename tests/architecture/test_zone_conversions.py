"""Only the kernel's clock converts between instants and local time.

Postgres, polars and the operating system bring zone data of their own, which differ from the pinned wheel in a
dozen zones. So no SQL, no dbt model, no frame converts: what is needed is stored with the event.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

PROJECT: Final = Path(__file__).parents[2]
FOLDERS: Final = ("aurora", "pipelines", "serving", "streams", "infra", "benchmarks", "dbt_project", "mlflow")
SUFFIXES: Final = {".py", ".sql", ".yml", ".yaml", ".mako"}

CONVERSIONS: Final = {
    "SQL: at time zone": r"\bat\s+time\s+zone\b",
    "SQL: timezone()": r"\btimezone\s*\(\s*'",
    "SQL: the session's zone": r"\bset\s+(local\s+|session\s+)?time\s*zone\b",
    "SQL: date_trunc in a zone": r"\bdate_trunc\s*\([^,()]+,[^,()]+,",
    "SQL: an instant cast to a day": r"(?<!local_started)(?<!local_ended)_at\)?::(date|time|timestamp)\b",
    # Seconds since 1970 are the same in every zone.
    "SQL: date() or a field of an instant": r"\b(date|date_part|extract)\s*\(\s*(?!'?epoch\b)[\w.' ,]*?"
    r"(?<!local_started)(?<!local_ended)_at\s*\)(?!\s*-)",
    "SQL: the session's day or clock": r"\b(current_date|localtime|localtimestamp|make_timestamptz)\b",
    "polars: convert_time_zone": r"\bconvert_time_zone\b",
    "polars: replace_time_zone": r"\breplace_time_zone\b",
    "polars: a type with a zone": r"\btime_zone\s*=",
    "pandas: tz_convert": r"\btz_(convert|localize)\b",
    "Python: astimezone": r"\.astimezone\(",
    "Python: a zone of its own": r"\b(ZoneInfo\(|zoneinfo\.|pytz|dateutil)",
    "Python: the system's own zone": r"\b(fromtimestamp\([^,()]+\)|utcfromtimestamp|date\.today\(\)|datetime\.now\(\))",
}

ALLOWED: Final = {
    "aurora/clock.py": "It is the one place.",
    "aurora/database/partitions.py": "The borders of a month are those of UTC, whatever the session's zone.",
    "aurora/database/archiving.py": "The same months, and a digest whose text must not depend on the session.",
    "aurora/events/acceptance.py": "To UTC, which needs no zone data.",
    "dbt_project/models/intermediate/_days_unit_tests.yml": "Its texts are cast to what the columns are.",
    "pipelines/ingestion/volumes.py": "Days of arrival are UTC days.",
    "pipelines/table_metadata.py": "Days of arrival are UTC days.",
    "pipelines/ingestion/archive_files.py": "Instants are written in UTC, whatever the session's zone.",
    "pipelines/transformation/archived_days.py": "The borders of a month are those of UTC.",
    "pipelines/ingestion/local_times.py": "To UTC and back, to tell whether a clock showed that time.",
    "pipelines/ingestion/mapped_rows.py": "To UTC; and to the zone that the clock gives out.",
    "pipelines/ingestion/simulator/truth.py": "Seconds since 1970 are called UTC; nothing is converted.",
}
"""Files that may, each with its reason. A conversion of a person's local day has no reason."""


def sources() -> Iterator[Path]:
    for folder in FOLDERS:
        for path in sorted((PROJECT / folder).rglob("*")):
            if path.suffix in SUFFIXES and "target" not in path.parts:
                yield path


def conversions(text: str) -> list[str]:
    """What converts, line by line; comments and the first docstring's words do not count."""
    found = []
    for number, line in enumerate(text.splitlines(), start=1):
        code = re.sub(r"(--|#|\{#).*$", "", line)
        found += [
            f"{number}: {name}"
            for name, pattern in CONVERSIONS.items()
            if re.search(pattern, code, re.IGNORECASE)
        ]
    return found


def test_nobody_but_the_clock_converts_between_zones() -> None:
    offenders = {
        path.relative_to(PROJECT).as_posix(): found
        for path in sources()
        if (found := conversions(path.read_text(encoding="utf-8")))
    }

    assert {name: found for name, found in offenders.items() if name not in ALLOWED} == {}
    assert set(ALLOWED) - set(offenders) == set(), "these need no permission any more"


@pytest.mark.parametrize(
    "line",
    [
        "select started_at at time zone tz from raw.events",
        "select AT  TIME   ZONE 'Europe/Oslo'",
        "select timezone('Europe/Oslo', started_at)",
        "select date_trunc('day', started_at, 'Europe/Oslo')",
        "select started_at::date",
        "select (events.started_at)::date",
        "select date(started_at)",
        "select extract(hour from events.started_at)",
        "where local_date = current_date",
        "set local time zone 'Europe/Oslo'",
        'frame.with_columns(pl.col("started_at").dt.convert_time_zone("Europe/Oslo"))',
        'pl.Datetime("us", time_zone="Europe/Oslo")',
        'instant.astimezone(ZoneInfo("Europe/Oslo"))',
        "datetime.fromtimestamp(seconds)",
        "date.today()",
    ],
)
def test_a_conversion_is_recognised(line: str) -> None:
    assert conversions(line)


@pytest.mark.parametrize(
    "line",
    [
        "select local_date, local_started_at::time from events",
        "extract(epoch from ended_at - started_at)",
        "date_part('epoch', started_at)",
        "extract(hour from local_started_at)",
        "-- never at time zone",
        "datetime.fromtimestamp(seconds, UTC)",
        "interval '1 day'",
    ],
)
def test_what_converts_nothing_is_left_alone(line: str) -> None:
    assert conversions(line) == []
