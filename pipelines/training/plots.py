"""Plots of an evaluation: each answers one question of somebody who has to trust the model.

They are logged as pictures of their own and shown again in the model card, which adds others
(`model_card/plots.py`). Matplotlib is imported inside the functions: it is slow to load.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from aurora.models.lift import LEAST_ROWS_OF_A_PERSON, error_by_user, lift_by_user
from aurora.models.metrics import calibration_table, mean_calibration_table
from pipelines.training.evaluation import HeldOut

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

INK, MODEL, BASELINE = "#334155", "#2563eb", "#94a3b8"
SIZE = (7.0, 4.5)
MOST_POINTS = 4000
MOST_COUNTS = 12
"""With more points than these their counts would hide one another."""


def draw_plots(
    held_out: HeldOut, metrics: dict[str, float], *, size: tuple[float, float] = SIZE
) -> dict[str, Figure]:
    """Name of the plot → figure of this size in inches. The title stands at the left."""
    kind = held_out.rows.spec.kind
    plots: dict[str, Callable[[Axes], None]] = {
        "losses": lambda axes: _losses(axes, held_out, metrics),
        "lift_by_user": lambda axes: _lift(axes, held_out),
        "residuals": lambda axes: _residuals(axes, held_out),
        "calibration": lambda axes: _calibration(axes, held_out),
    }
    if kind == "regression":
        plots["predicted_vs_observed"] = lambda axes: _predicted_vs_observed(axes, held_out)
    else:
        plots["confusion"] = lambda axes: _confusion(axes, held_out)
    return {name: figure_of(draw, size) for name, draw in plots.items()}


def figure_of(draw: Callable[[Axes], None], size: tuple[float, float] = SIZE) -> Figure:
    """A figure with one pair of axes, drawn upon; `size` is in inches."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=size, layout="constrained", dpi=110)
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    axes.spines[["top", "right"]].set_visible(False)
    draw(axes)
    return figure


def _losses(axes: Axes, held_out: HeldOut, metrics: dict[str, float]) -> None:
    metric = "mae" if held_out.rows.spec.kind == "regression" else "rps"
    found = {
        name.removeprefix(f"{metric}/"): value
        for name, value in metrics.items()
        if name.startswith(f"{metric}/")
    }
    names = sorted(found, key=lambda name: -found[name])
    axes.barh(
        names, [found[name] for name in names], color=[MODEL if n == "model" else BASELINE for n in names]
    )
    for place, name in enumerate(names):
        axes.annotate(
            f"{found[name]:.3f}",
            (found[name], place),
            xytext=(4, 0),
            textcoords="offset points",
            va="center",
            color=INK,
        )
    axes.set_title(f"{metric.upper()} on held-out days, less is better", loc="left", color=INK)


def _lift(axes: Axes, held_out: HeldOut) -> None:
    reference = held_out.best_baseline()
    losses = held_out.loss(reference), held_out.loss("model"), held_out.users
    lift, error = lift_by_user(*losses), error_by_user(*losses)
    _, counts = np.unique(held_out.users, return_counts=True)
    order = np.argsort(lift, kind="stable")
    lift, reach = lift[order], np.where(counts >= LEAST_ROWS_OF_A_PERSON, 1.96 * error, np.nan)[order]
    people = np.arange(len(lift))
    # Of many people the lines are one picture: a thousand paths would weigh more than all the rest.
    axes.vlines(people, lift - reach, lift + reach, color=BASELINE, linewidth=1, rasterized=len(people) > 200)
    colors = np.where(lift > 0, MODEL, BASELINE).tolist()
    axes.scatter(people, lift, s=12, color=colors, zorder=3, rasterized=len(people) > 200)
    axes.axhline(0, color=INK, linewidth=0.8)
    better = int((lift > 0).sum())
    title = f"Lift over {reference} by person: better for {better} of {len(lift)}"
    axes.set_title(title, loc="left", color=INK)
    axes.set_xlabel("people, sorted")
    axes.set_ylabel("lift, with ± 1.96 standard errors")


def _residuals(axes: Axes, held_out: HeldOut) -> None:
    spec = held_out.rows.spec
    for name, color in ((spec.baseline_name, BASELINE), ("model", MODEL)):
        residuals = held_out.values - held_out.stated(name)
        axes.hist(residuals, bins=60, histtype="step", linewidth=1.6, color=color, label=name)
    axes.legend(frameon=False)
    axes.set_xlabel(f"observed less predicted ({spec.unit})")
    axes.set_title("Residuals on held-out days", loc="left", color=INK)


def _predicted_vs_observed(axes: Axes, held_out: HeldOut) -> None:
    step = max(1, len(held_out.number) // MOST_POINTS)
    # Ratings are coarse: without a little scatter the points would hide one another.
    scatter = np.random.default_rng(0).uniform(-0.15, 0.15, len(held_out.number))
    axes.plot(
        held_out.stated("model")[::step],
        (held_out.values + scatter)[::step],
        ".",
        markersize=3,
        alpha=0.25,
        color=MODEL,
        rasterized=True,
    )
    axes.plot(held_out.rows.spec.scale, held_out.rows.spec.scale, color=INK, linewidth=0.8)
    axes.set_xlabel("predicted")
    axes.set_ylabel("observed")
    axes.set_title("Predicted and observed on held-out days", loc="left", color=INK)


def _confusion(axes: Axes, held_out: HeldOut) -> None:
    from matplotlib.colors import to_rgb

    classes = held_out.rows.spec.classes
    seen = np.zeros((len(classes), len(classes)))
    observed = held_out.observed.astype(np.int64)
    np.add.at(seen, (observed, held_out.answers["model"].argmax(axis=1)), 1)
    share = seen / np.maximum(seen.sum(axis=1, keepdims=True), 1)
    # Clear where nothing is, so that the figures can be read on any ground.
    axes.imshow(np.dstack([np.broadcast_to(to_rgb(MODEL), (*share.shape, 3)), 0.7 * share]))
    labels = [name.replace("_", "\n") for name in classes]
    axes.set_xticks(range(len(classes)), labels)
    axes.set_yticks(range(len(classes)), labels)
    for row in range(len(classes)):
        for column in range(len(classes)):
            axes.text(column, row, f"{share[row, column]:.2f}", ha="center", va="center", color=INK)
    axes.set_xlabel("predicted")
    axes.set_ylabel("observed")
    axes.set_title("Where each observed class went", loc="left", color=INK)


def _calibration(axes: Axes, held_out: HeldOut) -> None:
    spec = held_out.rows.spec
    told = {
        name: mean_calibration_table(held_out.values, held_out.stated(name), width=1.0)
        if spec.kind == "regression"
        else calibration_table(held_out.observed.astype(np.int64), held_out.answers[name])
        for name in ("model", spec.baseline_name)
    }
    for name, color in ((spec.baseline_name, BASELINE), ("model", MODEL)):
        stated, came, _ = zip(*told[name], strict=True)
        axes.plot(stated, came, "o-", markersize=4, color=color, label=name)
    _write_counts(axes, told["model"])
    ends = spec.scale if spec.kind == "regression" else (0, 1)
    axes.plot(ends, ends, color=INK, linewidth=0.8)
    axes.legend(frameon=False, loc="upper left")
    if spec.kind == "regression":
        axes.set_xlabel(f"predicted, by whole {spec.unit}, with how many ratings")
        axes.set_ylabel("mean observed")
        axes.set_title("Is what is predicted what comes on average?", loc="left", color=INK)
    else:
        axes.set_xlabel("stated probability, with how often it was stated")
        axes.set_ylabel("share that came true")
        axes.set_title("Are the probabilities kept?", loc="left", color=INK)


def _write_counts(axes: Axes, table: Sequence[tuple[float, float, int]]) -> None:
    if len(table) > MOST_COUNTS:
        return
    for stated, came, count in table:
        axes.annotate(
            f"{count:,}",
            (stated, came),
            xytext=(5, -9),
            textcoords="offset points",
            fontsize="x-small",
            color=INK,
        )
