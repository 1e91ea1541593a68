"""Small pictures for Dagster's pages: a PNG inside the markdown, a few kilobytes each, since Dagster keeps them."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from io import BytesIO
from typing import TYPE_CHECKING, Final

import dagster as dg

if TYPE_CHECKING:
    from matplotlib.axes import Axes

INK: Final = "#334155"
MOST_SOURCES: Final = 6
_COLOURS: Final = ("#2563eb", "#f59e0b", "#10b981", "#ef4444", "#8b5cf6", "#06b6d4", "#94a3b8")


def histogram(counts: Sequence[int], low: float, high: float, title: str) -> dg.MarkdownMetadataValue:
    """How many values fall into each of equal parts of `low` … `high`."""
    width = (high - low) / len(counts)

    def draw(axes: Axes) -> None:
        axes.bar([low + width * place for place in range(len(counts))], counts, width, align="edge",
                 color=_COLOURS[0], edgecolor="white")  # fmt: skip

    return _picture(draw, title)


def two_histograms(
    shares: Mapping[str, Sequence[float]], bins: Sequence[str], title: str
) -> dg.MarkdownMetadataValue:
    """Bars side by side: name → share of each bin, of two names."""

    def draw(axes: Axes) -> None:
        for side, (name, heights) in enumerate(shares.items()):
            places = [place + (side - 0.5) * 0.4 for place in range(len(bins))]
            axes.bar(places, heights, 0.4, color=_COLOURS[side], label=name)
        axes.set_xticks(range(len(bins)), bins)
        _legend(axes)

    return _picture(draw, title)


def bars_by_day(
    counts: Mapping[str, Mapping[date, int]], days: Sequence[date], title: str
) -> dg.MarkdownMetadataValue:
    """Stacked bars: name → day → count. Of many names the greatest are drawn, the others as one."""
    greatest = sorted(counts, key=lambda name: -sum(counts[name].values()))
    drawn, others = greatest[:MOST_SOURCES], greatest[MOST_SOURCES:]
    rows = {name: [counts[name].get(day, 0) for day in days] for name in drawn}
    if others:
        rows["others"] = [sum(counts[name].get(day, 0) for name in others) for day in days]

    def draw(axes: Axes) -> None:
        below = [0] * len(days)
        for colour, (name, heights) in zip(_COLOURS, rows.items(), strict=False):
            axes.bar(range(len(days)), heights, 0.9, bottom=below, color=colour, label=name)
            below = [low + height for low, height in zip(below, heights, strict=True)]
        ticks = range(0, len(days), 7)
        axes.set_xticks(list(ticks), [f"{days[place]:%d %b}" for place in ticks])
        if rows:
            _legend(axes)

    return _picture(draw, title)


def _legend(axes: Axes) -> None:
    """Beside the title, where no bar is."""
    axes.legend(frameon=False, fontsize=7, loc="lower right", bbox_to_anchor=(1, 1), ncols=MOST_SOURCES + 1)


def _picture(draw: Callable[[Axes], None], title: str) -> dg.MarkdownMetadataValue:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6, 2.4), dpi=80)
    FigureCanvasAgg(figure)
    # A layout that fits itself draws everything twice; the margins of these pictures are all alike.
    axes = figure.add_axes((0.11, 0.12, 0.87, 0.74))
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(labelsize=7, colors=INK)
    draw(axes)
    axes.set_title(title, loc="left", fontsize=9, color=INK)
    file = BytesIO()
    figure.savefig(file, format="png")
    return dg.MetadataValue.md(
        f"![{title}](data:image/png;base64,{base64.b64encode(file.getvalue()).decode()})"
    )
