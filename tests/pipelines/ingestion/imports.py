"""Builders for tests of imports: files, mappings, and what lies in the database afterwards."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg

from pipelines.ingestion.data_docs import WantedDocs
from pipelines.ingestion.importer import ImportRequest, import_file
from pipelines.ingestion.mapping import Mapping as FileMapping
from pipelines.ingestion.mapping_files import load_mapping
from pipelines.ingestion.progress import Progress
from pipelines.ingestion.summary import ImportSummary

DATA_KEY = "cd" * 32


def run_import(url: str, path: Path, mapping: FileMapping | str, **options: Any) -> ImportSummary:
    """Import one file into the database at `url`."""
    chosen = load_mapping(mapping) if isinstance(mapping, str) else mapping
    progress: Progress | None = options.pop("progress", None)
    docs: WantedDocs | None = options.pop("docs", None)
    request = ImportRequest(path, chosen, **options)
    return import_file(request, postgres_url=url, data_key=DATA_KEY, progress=progress, docs=docs)


def a_mapping(**changes: Any) -> FileMapping:
    """A diary with one row a day: sleep in hours, mood from 1 to 5."""
    return FileMapping.model_validate(
        {
            "name": "diary",
            "title": "a diary",
            "source": "diary",
            "user": "who",
            "time_zone": "Europe/Vienna",
            "day": "date",
            "rules": [{"column": "who", "required": True}, {"column": "mood", "between": [1, 5]}],
            "max_rejected_share": 0.5,
            "events": [
                {
                    "name": "sleep",
                    "type": "sleep.recorded",
                    "key": "{day}:sleep",
                    "payload": {"asleep_minutes": {"column": "hours", "unit": "h"}},
                },
                {
                    "name": "mood",
                    "type": "mood.rated",
                    "key": "{day}:mood",
                    "payload": {"valence": {"column": "mood", "scale": {"from": [1, 5], "to": [-1, 1]}}},
                },
            ],
        }
        | changes
    )


def a_diary(path: Path, *rows: str, header: str = "who,date,hours,mood") -> Path:
    path.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    return path


def an_envelope(**changes: Any) -> dict[str, Any]:
    return {
        "user_id": "ana",
        "event_id": str(uuid4()),
        "type": "energy.rated",
        "started_at": "2026-03-01T08:00:00+01:00",
        "source": {"name": "my-app"},
        "payload": {"energy": 6},
    } | changes


def ndjson(path: Path, envelopes: Iterable[Mapping[str, Any] | str | bytes]) -> Path:
    with path.open("wb") as file:
        for envelope in envelopes:
            line = envelope if isinstance(envelope, str | bytes) else json.dumps(envelope)
            file.write((line.encode() if isinstance(line, str) else line) + b"\n")
    return path


def rows_of(url: str, query: Any, *arguments: Any) -> list[tuple[Any, ...]]:
    with psycopg.connect(url) as connection:
        return connection.execute(query, arguments or None).fetchall()


def value_of(url: str, query: Any, *arguments: Any) -> Any:
    return rows_of(url, query, *arguments)[0][0]


def event_count(url: str) -> int:
    return value_of(url, "select count(*) from raw.events")
