"""A card as one HTML file: style, plots and text inside of it, no script, nothing fetched from anywhere."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from aurora.models.intervals import COVERAGE
from aurora.models.metrics import LOWER_IS_BETTER
from pipelines.training.candidate import Candidate, Judgement
from pipelines.training.model_card.contents import ModelCard, model_card
from pipelines.training.model_card.coverage import EVERYBODY
from pipelines.training.model_card.pictures import Picture, pictures
from pipelines.training.model_card.sentences import percent, signed
from pipelines.training.model_card.shares import MOST_SHOWN
from pipelines.training.model_card.tables import CEILING, MEANINGS, shown

_FOLDER: Final = Path(__file__).parent


def card_html(
    candidate: Candidate,
    judgement: Judgement,
    metrics: Mapping[str, float],
    *,
    name: str,
    git_sha: str = "unknown",
) -> str:
    """The card of one training; arguments as in `model_card`. Equal ones give equal text."""
    card = model_card(candidate, judgement, metrics, name=name, git_sha=git_sha)
    return render(card, pictures(candidate.held_out, card, metrics))


def render(card: ModelCard, plots: Sequence[Picture]) -> str:
    """A card with these plots as HTML."""
    environment = Environment(
        loader=FileSystemLoader(_FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {"shown": shown, "signed": signed, "words": words, "percent": percent}
    return environment.get_template("card.html.jinja").render(
        card=card,
        plots={plot.name: plot for plot in plots},
        style=(_FOLDER / "card.css").read_text(),
        meanings=MEANINGS,
        lower_is_better=LOWER_IS_BETTER,
        ceiling=CEILING,
        everybody=EVERYBODY,
        promised=COVERAGE,
        most_features=MOST_SHOWN,
    )


def words(sentence: str) -> str:
    """A sentence as HTML, in which `names` are set as code."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", html.escape(sentence))
