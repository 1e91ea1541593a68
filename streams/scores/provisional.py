"""Today's provisional scores: the catalogue's formulas on live tiles, for every score that needs nothing else.

A score of the night, or one that is made of other days' scores, waits for the warehouse.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Final

from aurora.features.tiles import Tiles
from aurora.features.vector import Moment, days_before
from aurora.features.windows import DayTile, Window
from aurora.scores.catalogue import SCORES
from aurora.scores.scoring import Score, score
from aurora.scores.specification import ScoreSpec, ToldDays

OfTiles = Window | ToldDays


def _of_tiles(spec: ScoreSpec) -> dict[str, OfTiles] | None:
    """Input → what it is of tiles, or None when an input is made of anything else."""
    sources = {entry.name: entry.source for entry in spec.inputs if isinstance(entry.source, OfTiles)}
    return sources if len(sources) == len(spec.inputs) else None


LIVE_SCORES: Final[dict[str, dict[str, OfTiles]]] = {
    name: sources for name, spec in SCORES.items() if (sources := _of_tiles(spec)) is not None
}
"""Score → its inputs, for the scores that live tiles are enough for."""


def provisional_scores(tiles: Tiles, moment: Moment) -> list[Score]:
    """The scores of the person's local day as far as it has gone."""
    by_measure: dict[str, list[DayTile]] = defaultdict(list)
    for days_ago, measures in days_before(moment, tiles):
        for measure, tile in measures.items():
            by_measure[measure].append((days_ago, tile))
    return [
        score(
            SCORES[name],
            {entry: _number(source, by_measure, moment) for entry, source in sources.items()},
        )
        for name, sources in LIVE_SCORES.items()
    ]


def _number(source: OfTiles, tiles: Mapping[str, Sequence[DayTile]], moment: Moment) -> float | None:
    if isinstance(source, ToldDays):
        return source.value_of(tiles)
    value = source.value_of(tiles.get(source.measure, ()), moment.as_of)
    return None if value is None else float(value)
