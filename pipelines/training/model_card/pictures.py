"""The plots of a card, as SVG that takes its ink from the page: readable on a light ground and on a dark one.

What `pipelines/training/plots.py` draws for MLflow is shown again as it is; what only the card shows is drawn in
`drawings.py`.
"""

from __future__ import annotations

import io
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from pipelines.training.evaluation import HeldOut
from pipelines.training.model_card.contents import ModelCard
from pipelines.training.model_card.drawings import Drawing, drawings
from pipelines.training.plots import INK, MODEL, draw_plots, figure_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SIZE: Final = (5.2, 3.7)
"""Inches: on the screen of a phone the letters are still as large as small print."""

CAPTIONS: Final = {
    "losses": "The mean loss of everybody who answered these ratings, and the ceiling where it is known.",
    "lift_by_user": "One point a person, sorted by lift: above the line the model serves them better. A line is drawn "
    "from ten ratings on; ratings of neighbouring days resemble each other, so it is rather too short.",
    "residuals": "How far off the model and the baseline it starts from were. A narrow heap around 0 is good; one that "
    "stands aside is off in the same direction again and again.",
    "calibration": "On the diagonal, what is stated comes true on average. Beside the points of the model is how many "
    "statements are behind them: few of them stray by chance.",
    "predicted_vs_observed": "Each point is a rating, a little scattered. A cloud flatter than the line: the model is "
    "cautious, and so is every model that does not know everything.",
    "confusion": "Each line adds up to 1: where the ratings of a class were put. The diagonal is right.",
}


_COLORS: Final = {INK: "currentColor", "#000000": "currentColor", MODEL: "var(--model)"}


@dataclass(frozen=True)
class Picture:
    """One plot with its words. `svg` refers to nothing outside of itself."""

    name: str
    title: str
    caption: str
    svg: str


def pictures(held_out: HeldOut, card: ModelCard, metrics: Mapping[str, float]) -> tuple[Picture, ...]:
    """Every plot of a card, in the order in which they are shown."""
    found: dict[str, Picture] = {}
    for name, figure in draw_plots(held_out, dict(metrics), size=SIZE).items():
        axes = figure.axes[0]
        title = axes.get_title(loc="left")
        # The page says it, in letters that wrap.
        axes.set_title("", loc="left")
        found[name] = Picture(name, title, CAPTIONS[name], svg_of(figure, name))
    for drawing in drawings(held_out, card):
        found[drawing.name] = _picture(drawing)
    return tuple(found.values())


def _picture(drawing: Drawing) -> Picture:
    size = (SIZE[0], SIZE[1] * drawing.height)
    figure = figure_of(drawing.draw, size)
    return Picture(drawing.name, drawing.title, drawing.caption, svg_of(figure, drawing.name))


def svg_of(figure: Figure, name: str) -> str:
    """A figure as SVG for inside a page. Equal figures of equal name give equal text."""
    import matplotlib as mpl

    body = io.StringIO()
    # Letters stay letters: they can be read aloud, searched and scaled. The salt makes ids repeatable, and
    # those of two plots on one page different.
    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": name}):
        nothing = dict.fromkeys(("Creator", "Date", "Format", "Type"))
        figure.savefig(body, format="svg", transparent=True, metadata=nothing, dpi=160)
    text = body.getvalue()
    text = text[text.index("<svg") :]
    text = re.sub(r' (width|height)="[\d.]+pt"', "", text, count=2)
    text = re.sub(r' xmlns(:\w+)?="[^"]*"', "", text)
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    used = set(re.findall(r"#([\w.]+)", text))
    text = re.sub(r' id="([^"]*)"', lambda found: found[0] if found[1] in used else "", text)
    for color, of_the_page in _COLORS.items():
        text = text.replace(color, of_the_page)
    return text.replace("xlink:href", "href").strip()
