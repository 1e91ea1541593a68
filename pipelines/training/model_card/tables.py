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
from pipelines.training.evaluation import METRICS_OF_SLICES, slices_of
from pipelines.training.judged import MODEL, SERVED, HeldOut
from pipelines.training.model_card.coverage import Share

CEILING = "ceiling"
NEW_PEOPLE = "new_people"
COLD = "cold"

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
    "calibration_error": "how far what came lies from what was said, on average over the stated probabilities or over "
    "tenths of the predictions",
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
    """Every metric of everybody who answered the same rows. The model comes first, the ceiling last. What was served is
    the model or a baseline, and the ceiling nobody's answer: neither is ever the best.
    """

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
class Grid:
    """Figures by row and column. None where there is no such figure."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, tuple[Cell, ...]], ...]


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
    names = tuple(key.removesuffix(f"/{MODEL}") for key in metrics if _is_of_all_rows(key))
    answered = {key.rsplit("/", 1)[1] for key in metrics}
    order = [MODEL, *(name for name in (SERVED,) if name in answered), *baselines]
    order += [CEILING] if CEILING in answered else []
    best = {name: _best(name, metrics, (MODEL, *baselines)) for name in names}
    return MetricTable(
        names,
        tuple(
            Answerer(who, tuple(_cell(f"{name}/{who}", metrics, best[name]) for name in names))
            for who in order
        ),
    )


def grid_by_row(metrics: Mapping[str, float], prefix: str) -> Grid | None:
    """Metrics called `<prefix>_<metric>/<row>` as a table with a column for each metric; None without any."""
    keys: dict[tuple[str, str], str] = {}
    for key in metrics:
        metric, _, row = key.partition("/")
        if metric.startswith(f"{prefix}_"):
            keys[row, metric.removeprefix(f"{prefix}_")] = key
    return _grid(keys, metrics)


def grid_by_answerer(metrics: Mapping[str, float], prefix: str) -> Grid | None:
    """Metrics called `<prefix>/<row>/<answerer>` as a table with a column for each answerer; None without any."""
    keys: dict[tuple[str, str], str] = {}
    for key in metrics:
        if key.startswith(f"{prefix}/"):
            row, _, answerer = key.removeprefix(f"{prefix}/").rpartition("/")
            keys[row, answerer] = key
    return _grid(keys, metrics)


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
                if (key := f"slice_{metric}/{name}/{MODEL}") in metrics
            ),
            lift=judgement.slices.get(name),
            loses=name in losing,
            coverage=coverage.get(name),
        )
        for name, member in slices_of(held_out).items()
    )


def _is_of_all_rows(key: str) -> bool:
    """Whether it is a metric of the model on all judged rows: `<metric>/model`."""
    metric, _, answerer = key.partition("/")
    return answerer == MODEL and not metric.startswith((NEW_PEOPLE, COLD))


def _grid(keys: Mapping[tuple[str, str], str], metrics: Mapping[str, float]) -> Grid | None:
    """`keys`: row and column → the name of the metric there, in the order of the page."""
    if not keys:
        return None
    columns = tuple(dict.fromkeys(column for _, column in keys))
    rows = dict.fromkeys(row for row, _ in keys)
    cells = {
        row: tuple(Cell(key, metrics.get(key)) for key in (keys.get((row, column), "") for column in columns))
        for row in rows
    }
    return Grid(columns, tuple(cells.items()))


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
