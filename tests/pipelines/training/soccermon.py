"""SoccerMon team A as training rows, through the kernel's own tiles and live vectors, without a database.

Nothing of the morning's form enters that morning's row, and no load of the day itself: a row is built from
tiles of the days before it.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_URL, uuid5

import polars as pl

from aurora.features.tiles import LoggedEvent, Tile, tiles_of
from aurora.features.vector import Moment, vector_of_set
from aurora.models.catalogue import ModelSpec
from pipelines.training.rows import TrainingRows
from tests.pipelines.training.framed_rows import rows_from_frame


def soccermon_rows(path: Path, spec: ModelSpec) -> TrainingRows:
    """Readiness (1–10) as energy, mood (1–5) as valence."""
    table = pl.read_csv(path, infer_schema_length=None).with_columns(pl.col("date").str.to_date())
    lines: list[dict[str, Any]] = []
    for (player,), days in table.sort("player_id", "date").group_by("player_id", maintain_order=True):
        lines += _rows_of_player(str(player), days, spec)
    return rows_from_frame(pl.DataFrame(lines, infer_schema_length=None), spec, "soccermon")


def _rows_of_player(player: str, days: pl.DataFrame, spec: ModelSpec) -> list[dict[str, Any]]:
    tiles: dict[date, dict[str, Tile]] = {}
    lines = []
    for report in days.iter_rows(named=True):
        day, at = report["date"], datetime.combine(report["date"], time(), UTC)
        value = _energy(report) if spec.name == "energy" else _valence(report)
        if value is not None:
            known = {past: tile for past, tile in tiles.items() if past >= day - timedelta(days=28)}
            lines.append(
                {
                    "user_id": player,
                    "label_event_id": f"{player} {day}",
                    "as_of": at.timestamp(),
                    "known_at": at.timestamp() + 3600,
                    "value": value,
                    "persona": None,
                    "precision": "day",
                    **vector_of_set(known, Moment(at, day, None), spec.feature_set),
                }
            )
        tiles.update(tiles_of(_events(player, report, at)))
    return lines


def _events(player: str, report: dict[str, Any], at: datetime) -> list[LoggedEvent]:
    stress, hours = report["stress"], report["sleep_duration"]
    payloads = {
        "energy.rated": {"energy": _energy(report)},
        "mood.rated": {"valence": _valence(report)},
        "stress.rated": {"stress": None if stress is None else (5 - stress) * 2.5},
        "sleep.recorded": {"asleep_minutes": None if hours is None else hours * 60},
        "exercise.recorded": {"load": report["daily_load"] or None},
    }
    return [
        LoggedEvent(
            event_id=uuid5(NAMESPACE_URL, f"{player} {at} {name}"),
            type=name,
            started_at=at,
            ended_at=None,
            local_date=at.date(),
            local_started_at=at.replace(tzinfo=None),
            precision="day",
            source_name="soccermon",
            source_device=None,
            modality="self_reported",
            payload=payload,
        )
        for name, payload in payloads.items()
        if None not in payload.values()
    ]


def _energy(report: dict[str, Any]) -> float | None:
    return report["readiness"]


def _valence(report: dict[str, Any]) -> float | None:
    return None if report["mood"] is None else (report["mood"] - 3) / 2
