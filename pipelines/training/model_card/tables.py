"""Tables of a card: the model beside every baseline, lifts, slices. Each cell knows the metric it shows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from aurora.models.gate import losing_slices
from aurora.models.lift import Lift
from aurora.models.metrics import LOWER_IS_BETTER
from pipelines.training.candidate import Judgement
from pipelines.training.evaluation import METRICS_OF_SLICES, HeldOut, slices_of
from pipelines.training.model_card.coverage import Share

CEILING = "ceiling"

MEANINGS = {
    "mae": "mean absolute error",
    "rmse": "root of the mean squared error",
    "r2": "share of the variance that is explained, over all ratings",
    "r2_within": "the same of each person's variance around the own mean; below 0 is worse than that mean",
    "r_within": "correlation with the ratings when each person's mean is taken out",
    "accuracy": "share of the ratings whose class was named",
    "macro_f1": "mean over classes of F1: rare classes count as much as frequent ones",
    "qwk": "agreement beyond chance, where a miss by two classes costs four times a miss by one",
    "within_1": "share that is at most one class off",
    "log_loss": "minus the logarithm of the probability of what came; a baseline that names one class as certain "
    "pays dearly for each miss",
    "rps": "ranked probability score: squared distance of the cumulative distributions",
}


@dataclass(frozen=True)
class Cell:
    """One figure. `metric` is its name in MLflow (`mae/ewma`); `is_best` of its column, the ceiling apart."""

    metric: str
    value: float | None
    is_best: bool = False


@dataclass(frozen=True)
class Answerer:
    """One line of the table of metrics: the model, a baseline or the ceiling."""

    name: str
    cells: tuple[Cell, ...]


@dataclass(frozen=True)
class MetricTable:
    """Every metric of everybody who answered the same rows. The model comes first, the ceiling last."""

    metrics: tuple[str, ...]
    answerers: tuple[Answerer, ...]

    def winners(self, metric: str) -> tuple[str, ...]:
        """Who is best by a metric; several when they are equal in the digits that are shown."""
        place = self.metrics.index(metric)
        return tuple(answerer.name for answerer in self.answerers if answerer.cells[place].is_best)

    @property
    def lost(self) -> dict[str, tuple[str, ...]]:
        """Metric → the baselines that are better than the model by it."""
        found = {metric: self.winners(metric) for metric in self.metrics}
        return {metric: names for metric, names in found.items() if names and "model" not in names}


@dataclass(frozen=True)
class LiftRow:
    """A lift of the model over somebody. `metrics` name its mean and bounds in MLflow, where they are there."""

    over: str
    lift: Lift
    metrics: tuple[str, str, str] | None = None


@dataclass(frozen=True)
class SliceRow:
    """One group of judged rows: its size, the model's metrics, its lift and how its intervals cover.

    `lift` is None where too few people are in it, `coverage` where no row of it has an interval.
    """

    name: str
    people: int
    rows: int
    cells: tuple[Cell, ...]
    lift: Lift | None
    loses: bool
    coverage: Share | None


def shown(value: float) -> str:
    """A figure of the tables: three digits behind the point."""
    return f"{value:.3f}".replace("-", "−")


def metric_table(metrics: Mapping[str, float], baselines: Sequence[str]) -> MetricTable:
    """`<metric>/<answerer>` as a table. The columns are the metrics that the model has."""
    names = tuple(key.removesuffix("/model") for key in metrics if key.endswith("/model"))
    answered = {key.rsplit("/", 1)[1] for key in metrics}
    order = ["model", *baselines, *([CEILING] if CEILING in answered else [])]
    best = {name: _best(name, metrics, ("model", *baselines)) for name in names}
    return MetricTable(
        names,
        tuple(
            Answerer(who, tuple(_cell(f"{name}/{who}", metrics, best[name]) for name in names))
            for who in order
        ),
    )


def slice_rows(
    held_out: HeldOut, judgement: Judgement, metrics: Mapping[str, float], coverage: Mapping[str, Share]
) -> tuple[SliceRow, ...]:
    """Every slice of the evaluation, in its order."""
    losing = losing_slices(judgement.slices)
    return tuple(
        SliceRow(
            name=name,
            people=_people(held_out, member),
            rows=int(member.sum()),
            cells=tuple(
                Cell(key, metrics[key])
                for metric in METRICS_OF_SLICES
                if (key := f"slice_{metric}/{name}") in metrics
            ),
            lift=judgement.slices.get(name),
            loses=name in losing,
            coverage=coverage.get(name),
        )
        for name, member in slices_of(held_out).items()
    )


def _people(held_out: HeldOut, member: npt.NDArray[np.bool_]) -> int:
    return len(np.unique(held_out.users[member]))


def _best(metric: str, metrics: Mapping[str, float], answerers: Sequence[str]) -> str | None:
    """The best figure as it is shown: who is equal in these digits is equally good."""
    values = [metrics[key] for who in answerers if (key := f"{metric}/{who}") in metrics]
    if not values:
        return None
    return shown(min(values) if metric in LOWER_IS_BETTER else max(values))


def _cell(key: str, metrics: Mapping[str, float], best: str | None) -> Cell:
    value = metrics.get(key)
    is_best = value is not None and not key.endswith(f"/{CEILING}") and shown(value) == best
    return Cell(key, value, is_best)
