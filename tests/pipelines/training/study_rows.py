"""A daily study as training rows: its file through the shipped mapping, then the kernel's own tiles and live vectors,
without a database.

As in the warehouse a row stands at the start of the label's day and sees the days before it, as far as they were
known by then: nothing of its own form, and nothing of the day itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from itertools import groupby
from pathlib import Path
from typing import Any, Final

import polars as pl

from aurora import clock
from aurora.events.people import user_id_of
from aurora.features.tiles import LIVE_DAYS, LoggedEvent, Tile, tiles_of
from aurora.features.vector import Moment, vector_of_set
from aurora.models.catalogue import ModelSpec
from pipelines.ingestion.mapped_rows import Unreadable, Whose, events_of_row
from pipelines.ingestion.mapping_files import load_mapping
from pipelines.training.rows import TrainingRows
from tests.pipelines.training.framed_rows import rows_from_frame

LABELS: Final = {"energy": ("energy.rated", "energy"), "mood": ("mood.rated", "valence")}
LATER: Final = datetime(2030, 1, 1, tzinfo=UTC)

Envelope = Mapping[str, Any]


def study_rows(path: Path, mapping_name: str, spec: ModelSpec) -> TrainingRows:
    """Every rating of the file that the model predicts, beside the vector of its moment."""
    lines: list[dict[str, Any]] = []
    for user_id, envelopes in _by_person(path, mapping_name):
        lines += _rows_of_person(user_id, envelopes, spec)
    # In the order of the warehouse: another one draws other rows for each tree.
    frame = pl.DataFrame(lines, infer_schema_length=None).sort("user_id", "as_of")
    return rows_from_frame(frame, spec, load_mapping(mapping_name).cohort or mapping_name)


@lru_cache(maxsize=1)
def _by_person(path: Path, mapping_name: str) -> list[tuple[str, list[Envelope]]]:
    """Each person's events in the order of the file. Mapping them takes as long as all their vectors."""
    mapping = load_mapping(mapping_name)
    user = mapping.user or ""
    table = pl.read_csv(path, infer_schema=False).sort(user, maintain_order=True)
    people = []
    for key, rows in groupby(table.iter_rows(named=True), key=lambda row: row[user]):
        whose = Whose(user_id_of(mapping_name, key), mapping.time_zone)
        found = [each for row in rows for each in events_of_row(row, mapping, whose, received_at=LATER)]
        people.append((str(whose.user_id), [each for each in found if not isinstance(each, Unreadable)]))
    return people


def _rows_of_person(user_id: str, envelopes: list[Envelope], spec: ModelSpec) -> list[dict[str, Any]]:
    by_day: dict[date, list[Envelope]] = {}
    for envelope in envelopes:
        by_day.setdefault(clock.local_date(envelope["started_at"], envelope["tz"]), []).append(envelope)
    tiles: dict[date, dict[str, Tile]] = {}
    lines = []
    kind, field = LABELS[spec.name]
    for day in sorted(by_day):
        label = next((each for each in by_day[day] if each["type"] == kind), None)
        if label is not None:
            moment = Moment.of_day(day, label["tz"])
            oldest = day - timedelta(days=LIVE_DAYS)
            tiles = {past: tile for past, tile in tiles.items() if past >= oldest}
            lines.append(
                {
                    "user_id": user_id,
                    "label_event_id": str(label["event_id"]),
                    "as_of": moment.as_of.timestamp(),
                    "known_at": label["recorded_at"].timestamp(),
                    "value": label["payload"][field],
                    "persona": None,
                    "precision": "day",
                    **vector_of_set(tiles, moment, spec.feature_set),
                }
            )
        # A day's values are known when it is over, at the latest: the mappings of daily studies say so.
        tiles |= tiles_of(_logged(each, day) for each in by_day[day])
    return lines


def _logged(envelope: Envelope, day: date) -> LoggedEvent:
    return LoggedEvent(
        event_id=envelope["event_id"],
        type=envelope["type"],
        started_at=envelope["started_at"],
        ended_at=None,
        local_date=day,
        local_started_at=envelope["started_at"].replace(tzinfo=None),
        precision=envelope["precision"],
        source_name=envelope["source"]["name"],
        source_device=None,
        modality=envelope["source"]["modality"],
        payload=envelope["payload"],
    )
