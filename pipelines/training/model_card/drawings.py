"""What only the card draws: residuals from three sides, what intervals hold, what the model leans on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from aurora.models.intervals import COVERAGE
from aurora.models.metrics import Floats, Ints
from pipelines.training.evaluation import HeldOut
from pipelines.training.model_card.contents import ModelCard
from pipelines.training.model_card.coverage import Share
from pipelines.training.model_card.sentences import percent
from pipelines.training.model_card.shares import MOST_SHOWN, FeatureShares
from pipelines.training.plots import BASELINE, INK, MODEL, MOST_POINTS

if TYPE_CHECKING:
    from matplotlib.axes import Axes

HOUR: Final = "hour_of_day"
HOURS_A_STEP: Final = 3
LEAST_IN_A_STEP: Final = 20
LOW: Final = "#d97706"
"""The colour of a low value of a feature; a high one has the model's."""


@dataclass(frozen=True)
class Drawing:
    """A plot of the card. `height` is a share of the usual one."""

    name: str
    title: str
    caption: str
    draw: Callable[[Axes], None]
    height: float = 1.0


def drawings(held_out: HeldOut, card: ModelCard) -> Iterator[Drawing]:
    """Those for which there is something to draw, in the order of the page."""
    residual = "Observed less predicted: above 0 people said more than the model did."
    yield Drawing(
        "residuals_by_prediction",
        "Residuals by prediction",
        f"{residual} The lines are means; they should lie at 0 wherever the model is sure of itself.",
        lambda axes: _by_prediction(axes, held_out),
    )
    yield Drawing(
        "residuals_by_rating",
        "Residuals by what was rated",
        f"{residual} Any cautious answer falls short of extreme ratings: the less the line rises, the more the model "
        "knows. Behind it, where the middle 90 % lie.",
        lambda axes: _by_rating(axes, held_out),
    )
    if HOUR in held_out.rows.spec.columns and not np.isnan(_hours(held_out)).all():
        yield Drawing(
            "residuals_by_hour",
            "Residuals by hour of the day",
            f"{residual} Means of {HOURS_A_STEP} hours, by the person's clock, with ± 1.96 standard errors.",
            lambda axes: _by_hour(axes, held_out),
        )
    if card.coverage:
        yield Drawing(
            "coverage_by_promise",
            "Do intervals hold what they promise?",
            "The share of ratings inside the interval, for intervals that promise more and less, with bounds over "
            "people. Where ratings are whole steps, narrow intervals hold more than they must.",
            lambda axes: _by_promise(axes, card),
        )
        yield Drawing(
            "coverage_by_slice",
            "Coverage by slice",
            f"The share of ratings inside the {percent(COVERAGE, 0)} interval, with bounds over people.",
            lambda axes: _by_slice(axes, card),
            height=0.4 + 0.09 * len(card.coverage),
        )
    if len(card.shares.shares):
        yield Drawing(
            "feature_shares",
            "What the model leans on",
            "Exact TreeSHAP of the registered model for held-out rows, its lines included: one point an answer, to the "
            "right where the feature raised it. Blue is a high value, orange a low one, grey a missing one.",
            lambda axes: _feature_shares(axes, card.shares, held_out),
            height=1.5,
        )


def _residual(held_out: HeldOut, name: str = "model") -> Floats:
    return held_out.values - held_out.stated(name)


def _hours(held_out: HeldOut) -> Floats:
    return held_out.rows.table[held_out.number, held_out.rows.spec.columns.index(HOUR)]


def _by_prediction(axes: Axes, held_out: HeldOut) -> None:
    stated, residual = held_out.stated("model"), _residual(held_out)
    step = max(1, len(stated) // MOST_POINTS)
    axes.plot(stated[::step], residual[::step], ".", markersize=3, alpha=0.08, color=MODEL, rasterized=True)
    for name, color in ((held_out.rows.spec.baseline_name, BASELINE), ("model", MODEL)):
        told = held_out.stated(name)
        edges = np.unique(np.quantile(told, np.arange(1, 10) / 10))
        tenth = np.searchsorted(edges, told, side="right").astype(np.int64)
        (_, at), (_, means) = _means(told, tenth), _means(_residual(held_out, name), tenth)
        axes.plot(at, means, "o-", markersize=4, color=color, label=f"{name}, by tenths")
    axes.axhline(0, color=INK, linewidth=0.8)
    axes.legend(frameon=False)
    axes.set_xlabel(f"predicted ({held_out.rows.spec.unit})")
    axes.set_ylabel("residual")


def _by_rating(axes: Axes, held_out: HeldOut) -> None:
    spec = held_out.rows.spec
    if spec.kind == "regression":
        step = np.round(held_out.values).astype(np.int64)
        names = {int(value): f"{value}" for value in np.unique(step)}
        axes.set_xlabel(f"rating, to whole {spec.unit}")
    else:
        step = held_out.observed.astype(np.int64)
        names = {number: name.replace("_", "\n") for number, name in enumerate(spec.classes)}
    for name, color in ((spec.baseline_name, BASELINE), ("model", MODEL)):
        place, means = _means(_residual(held_out, name), step)
        axes.plot(place, means, "o-", markersize=4, color=color, label=name)
    residual = _residual(held_out)
    for place in np.unique(step):
        low, high = np.quantile(residual[step == place], [0.05, 0.95])
        axes.vlines(place, low, high, color=BASELINE, linewidth=6, alpha=0.5, zorder=0)
    axes.set_xticks(list(names), list(names.values()))
    axes.axhline(0, color=INK, linewidth=0.8)
    axes.legend(frameon=False, loc="upper left")
    axes.set_ylabel("residual")


def _by_hour(axes: Axes, held_out: HeldOut) -> None:
    hours = _hours(held_out)
    known = ~np.isnan(hours)
    step = (hours[known] // HOURS_A_STEP).astype(np.int64)
    for name, color in ((held_out.rows.spec.baseline_name, BASELINE), ("model", MODEL)):
        residual = _residual(held_out, name)[known]
        place, means = _means(residual, step, least=LEAST_IN_A_STEP)
        errors = [residual[step == at].std(ddof=1) / np.sqrt((step == at).sum()) for at in place]
        axes.errorbar(
            (place + 0.5) * HOURS_A_STEP,
            means,
            1.96 * np.array(errors),
            fmt="o-",
            markersize=4,
            color=color,
            label=name,
        )
    axes.axhline(0, color=INK, linewidth=0.8)
    axes.set_xticks(range(0, 25, HOURS_A_STEP))
    axes.legend(frameon=False)
    axes.set_xlabel("hour of the day")
    axes.set_ylabel("mean residual")


def _means(values: Floats, step: Ints, *, least: int = 1) -> tuple[Ints, Floats]:
    """The steps that hold enough values, and the mean of each."""
    place, counts = np.unique(step, return_counts=True)
    place = place[counts >= least]
    return place, np.array([values[step == at].mean() for at in place])


def _by_promise(axes: Axes, card: ModelCard) -> None:
    promises = list(card.coverage_by_promise)
    for promise, share in card.coverage_by_promise.items():
        _bar(axes, share, promise, vertical=True)
    axes.plot(promises, [share.value for share in card.coverage_by_promise.values()], "o-", color=MODEL)
    axes.plot(promises, promises, color=INK, linewidth=0.8)
    axes.set_xlabel("promised")
    axes.set_ylabel("held")


def _by_slice(axes: Axes, card: ModelCard) -> None:
    names = list(card.coverage)
    for place, name in enumerate(names):
        share = card.coverage[name]
        _bar(axes, share, place, vertical=False)
        axes.plot(share.value, place, "o", color=MODEL)
    axes.axvline(COVERAGE, color=INK, linewidth=0.8)
    axes.set_yticks(range(len(names)), names)
    axes.invert_yaxis()
    axes.set_xlabel("share of ratings inside")


def _bar(axes: Axes, share: Share, at: float, *, vertical: bool) -> None:
    if share.lower is None or share.upper is None:
        return
    draw = axes.vlines if vertical else axes.hlines
    draw(at, share.lower, share.upper, color=BASELINE, linewidth=3)


def _feature_shares(axes: Axes, shares: FeatureShares, held_out: HeldOut) -> None:
    shown = min(MOST_SHOWN, len(shares.features))
    rng = np.random.default_rng(0)
    for place in range(shown):
        at, values = shares.shares[:, place], shares.values[:, place]
        axes.scatter(
            at,
            place + 0.8 * _crowding(at) * rng.uniform(-0.5, 0.5, len(at)),
            s=4,
            c=_colors(values),
            linewidths=0,
            alpha=0.7,
            rasterized=True,
        )
    axes.axvline(0, color=INK, linewidth=0.8)
    axes.set_yticks(range(shown), [name.replace("_", " ") for name in shares.features[:shown]])
    axes.tick_params(axis="y", labelsize="small")
    axes.set_ylim(shown - 0.4, -0.6)
    spec = held_out.rows.spec
    unit = spec.unit if spec.kind == "regression" else "log-odds of a class against the next worse one"
    axes.set_xlabel(f"share in the answer ({unit})")


def _crowding(values: Floats) -> Floats:
    """For each value how crowded it is around it, 0 to 1: points are spread where there are many."""
    counts, edges = np.histogram(values, bins=40)
    place = np.clip(np.searchsorted(edges, values, side="right") - 1, 0, len(counts) - 1)
    return np.sqrt(counts[place] / counts.max())


def _colors(values: Floats) -> Floats:
    """From low to high by rank, so that a few extreme values do not make all others alike: rows × RGB."""
    from matplotlib.colors import to_rgb

    low, high, missing = (np.array(to_rgb(color)) for color in (LOW, MODEL, BASELINE))
    known = ~np.isnan(values)
    ordered = np.sort(values[known])
    rank = np.searchsorted(ordered, values[known], side="left") + np.searchsorted(
        ordered, values[known], side="right"
    )
    colors = np.tile(missing, (len(values), 1))
    place = (rank / max(2 * len(ordered), 1))[:, None]
    colors[known] = low + place * (high - low)
    return colors
