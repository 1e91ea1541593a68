"""Plots of an evaluation: each answers one question of somebody who has to trust the model."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from aurora.models.lift import lift_by_user
from aurora.models.metrics import calibration_table
from pipelines.training.evaluation import HeldOut

INK, MODEL, BASELINE = "#334155", "#2563eb", "#94a3b8"
MOST_POINTS = 4000


def draw_plots(held_out: HeldOut, metrics: dict[str, float]) -> dict[str, Figure]:
    """File name → figure."""
    kind = held_out.rows.spec.kind
    plots: dict[str, Callable[[Axes], None]] = {
        "losses": lambda axes: _losses(axes, held_out, metrics),
        "lift_by_user": lambda axes: _lift(axes, held_out),
        "residuals": lambda axes: _residuals(axes, held_out),
    }
    if kind == "regression":
        plots["predicted_vs_observed"] = lambda axes: _predicted_vs_observed(axes, held_out)
    else:
        plots["confusion"] = lambda axes: _confusion(axes, held_out)
        plots["calibration"] = lambda axes: _calibration(axes, held_out)
    return {f"{name}.png": _figure(draw) for name, draw in plots.items()}


def _figure(draw: Callable[[Axes], None]) -> Figure:
    figure = Figure(figsize=(7, 4.5), layout="constrained", dpi=110)
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
        axes.text(found[name], place, f" {found[name]:.3f}", va="center", color=INK)
    axes.set_title(f"{metric.upper()} on held-out days, less is better", loc="left", color=INK)


def _lift(axes: Axes, held_out: HeldOut) -> None:
    reference = held_out.best_baseline()
    lift = np.sort(lift_by_user(held_out.loss(reference), held_out.loss("model"), held_out.users))
    axes.bar(range(len(lift)), lift, width=1.0, color=np.where(lift > 0, MODEL, BASELINE).tolist())
    axes.axhline(0, color=INK, linewidth=0.8)
    better = int((lift > 0).sum())
    title = f"Lift over {reference} by person: better for {better} of {len(lift)}"
    axes.set_title(title, loc="left", color=INK)
    axes.set_xlabel("people, sorted")


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
    )
    axes.plot(held_out.rows.spec.scale, held_out.rows.spec.scale, color=INK, linewidth=0.8)
    axes.set_xlabel("predicted")
    axes.set_ylabel("observed")
    axes.set_title("Predicted and observed on held-out days", loc="left", color=INK)


def _confusion(axes: Axes, held_out: HeldOut) -> None:
    classes = held_out.rows.spec.classes
    seen = np.zeros((len(classes), len(classes)))
    observed = held_out.observed.astype(np.int64)
    np.add.at(seen, (observed, held_out.answers["model"].argmax(axis=1)), 1)
    share = seen / np.maximum(seen.sum(axis=1, keepdims=True), 1)
    axes.imshow(share, cmap="Blues", vmin=0, vmax=1)
    labels = [name.replace("_", " ") for name in classes]
    axes.set_xticks(range(len(classes)), labels, rotation=20)
    axes.set_yticks(range(len(classes)), labels)
    for row in range(len(classes)):
        for column in range(len(classes)):
            axes.text(column, row, f"{share[row, column]:.2f}", ha="center", va="center", color=INK)
    axes.set_xlabel("predicted")
    axes.set_ylabel("observed")
    axes.set_title("Where each observed class went", loc="left", color=INK)


def _calibration(axes: Axes, held_out: HeldOut) -> None:
    observed = held_out.observed.astype(np.int64)
    for name, color in ((held_out.rows.spec.baseline_name, BASELINE), ("model", MODEL)):
        table = calibration_table(observed, held_out.answers[name])
        axes.plot([row[0] for row in table], [row[1] for row in table], "o-", color=color, label=name)
    axes.plot([0, 1], [0, 1], color=INK, linewidth=0.8)
    axes.legend(frameon=False)
    axes.set_xlabel("stated probability")
    axes.set_ylabel("share that came true")
    axes.set_title("Are the probabilities kept?", loc="left", color=INK)
