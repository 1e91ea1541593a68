"""What a what-if needs beside the model: models of halves of the people, and what they leave over of the others.

How far models of random halves lie from that of all is how far that of all would lie from another one of as many
other people (the delete-half jackknife). What each leaves over of the people it has not met says how much the
effect of a column differs between people and parts of the day.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np

from aurora.events.measures import DAYPARTS
from aurora.models.boosting import Booster
from aurora.models.headstart import Lines
from aurora.models.metrics import Bools, Floats, Ints
from aurora.models.slopes import slope_spread
from aurora.models.targets import TARGETS
from pipelines.training.choosing import usable
from pipelines.training.engines import IN_PROCESS, Data, Engine
from pipelines.training.fitting import Fitted, trained
from pipelines.training.recipe import FEWEST_PEOPLE, HALVES
from pipelines.training.rows import TrainingRows


@dataclass(frozen=True)
class _LeftOver:
    """What the halves left over of people whom they had not met: sums by row, and of how many halves."""

    pull: Floats
    curvature: Floats
    times: Ints

    @classmethod
    def nothing(cls, rows: int) -> _LeftOver:
        return cls(np.zeros(rows), np.zeros(rows), np.zeros(rows, dtype=np.int64))

    def add(self, number: Ints, booster: Booster, start: Floats, data: Data, rows: TrainingRows) -> None:
        """Add what a half's booster left over of the rows numbered so, which start from `start`."""
        others = data.part(number)
        pull, curvature = TARGETS[rows.spec.kind].left_over(
            booster.answer(others.design, start), others.target
        )
        self.pull[number] += pull
        self.curvature[number] += curvature
        self.times[number] += 1


def with_halves(fitted: Fitted, rows: TrainingRows, chosen: Ints, *, engine: Engine = IN_PROCESS) -> Fitted:
    """The same with models of halves of the people beside it, trained by the same choices, and the spread of the
    slopes that they leave over. With too few people there is neither.
    """
    data, target = usable(rows, chosen, fitted.metadata), TARGETS[rows.spec.kind]
    people = np.unique(data.users)
    if len(people) < FEWEST_PEOPLE:
        return fitted
    rng = np.random.default_rng(rows.spec.seed)
    met = [np.isin(data.users, rng.choice(people, len(people) // 2, replace=False)) for _ in range(HALVES)]

    def half(is_met: Bools) -> tuple[Booster, Lines | None]:
        trees, lines, _start = trained(rows, data.part(np.flatnonzero(is_met)), fitted.choices, engine)
        return trees.booster, lines

    with ThreadPoolExecutor(engine.at_once) as threads:
        halves = list(threads.map(half, met))
    left = _LeftOver.nothing(len(data.target))
    for is_met, (booster, lines) in zip(met, halves, strict=True):
        others = np.flatnonzero(~is_met)
        start = data.start[others]
        if lines is not None:
            start = target.moved(start, lines.answer(data.design[others]))
        left.add(others, booster, start, data, rows)
    told = fitted.with_(
        half_lines=tuple(lines for _, lines in halves),
        slope_spreads=_slope_spreads(fitted.metadata.design_columns, data, left),
    )
    return replace(told, halves=tuple(booster for booster, _ in halves))


def _slope_spreads(columns: tuple[str, ...], data: Data, left: _LeftOver) -> dict[str, float]:
    """For each column of the design, between people and parts of the day. A row that no half left out says nothing."""
    heard = np.flatnonzero(left.times)
    residual = left.pull[heard] / left.curvature[heard]
    weight = left.curvature[heard] / left.times[heard]
    groups = _people_by_part_of_day(columns, data)[heard]
    spreads = {
        name: slope_spread(values[heard], residual, weight, groups)
        for name, values in zip(columns, data.design.T, strict=True)
    }
    return {name: spread for name, spread in spreads.items() if spread > 0}


def _people_by_part_of_day(columns: tuple[str, ...], data: Data) -> Ints:
    """One number per person and part of day. Without an hour all day is one part."""
    if "hour_of_day" not in columns:
        return data.users
    ends = [end for _, end in DAYPARTS.values()]
    part = np.digitize(data.design[:, columns.index("hour_of_day")], ends)
    return data.users * (len(ends) + 1) + part
