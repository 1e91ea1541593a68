"""Today's provisional scores: the catalogue's formulas on live tiles, for every score that needs nothing else.

A score of the night, or one that is made of other days' scores, waits for the warehouse.
"""

from __future__ import annotations

from collections import defaultdict
from typing import Any, Final

from aurora.features.tiles import Tiles
from aurora.features.vector import Moment
from aurora.features.windows import DayTile, Window
from aurora.scores.catalogue import SCORES
from aurora.scores.scoring import Score, score
from aurora.scores.specification import ScoreSpec


def _windows(spec: ScoreSpec) -> dict[str, Window] | None:
    """Input → window, or None when an input is no window over tiles."""
    windows = {entry.name: entry.source for entry in spec.inputs if isinstance(entry.source, Window)}
    return windows if len(windows) == len(spec.inputs) else None


LIVE_SCORES: Final[dict[str, dict[str, Window]]] = {
    name: windows for name, spec in SCORES.items() if (windows := _windows(spec)) is not None
}
"""Score → its inputs, for the scores that live tiles are enough for."""


def provisional_scores(tiles: Tiles, moment: Moment) -> list[Score]:
    """The scores of the person's local day as far as it has gone."""
    by_measure: dict[str, list[DayTile]] = defaultdict(list)
    for day, measures in tiles.items():
        days_ago = (moment.local_date - day).days
        if days_ago >= 0:
            for measure, tile in measures.items():
                by_measure[measure].append((days_ago, tile))
    return [
        score(
            SCORES[name],
            {
                entry: _number(window.value_of(by_measure.get(window.measure, ()), moment.as_of))
                for entry, window in windows.items()
            },
        )
        for name, windows in LIVE_SCORES.items()
    ]


def _number(value: Any) -> float | None:
    return None if value is None else float(value)
