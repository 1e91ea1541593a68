from __future__ import annotations

import re
from dataclasses import replace
from functools import cache
from html.parser import HTMLParser

import pytest

from aurora.predictions.artifact import person_digest
from pipelines.training.candidate import Candidate
from pipelines.training.model_card.rendering import card_html, render
from pipelines.training.model_card.tables import shown
from pipelines.training.plots import INK
from tests.pipelines.training.model_card.cards import ONE_FOLD, a_candidate, a_card, judged, logged

NEVER_CLOSED = {"meta", "path", "use", "image", "br", "link", "img", "rect"}
FETCHING = {"script", "link", "iframe", "object", "embed", "img", "base", "form"}


class Page(HTMLParser):
    """What a page holds; fails where a tag is closed that is not open."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: set[str] = set()
        self.ids: list[str] = []
        self.addresses: set[str] = set()
        self.metrics: dict[str, str] = {}
        self.titles: list[str] = []
        self._metric: str | None = None
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        told = {name: value or "" for name, value in attrs}
        self.tags.add(tag)
        self.addresses |= {told[name] for name in ("href", "src", "xlink:href", "srcset") if name in told}
        if "id" in told:
            self.ids.append(told["id"])
        if "aria-label" in told:
            self.titles.append(told["aria-label"])
        self._metric = told.get("data-metric")
        if tag not in NEVER_CLOSED:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in NEVER_CLOSED:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        if tag not in NEVER_CLOSED:
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self._metric is not None:
            self.metrics[self._metric] = data
            self._metric = None


def html_of(candidate: Candidate, *, ceiling: bool = False) -> str:
    metrics = logged(candidate, ceiling=ceiling)
    return card_html(candidate, judged(candidate), metrics, name="energy", git_sha="c0ffee")


@cache
def a_page(model: str = "energy") -> str:
    return html_of(a_candidate(model), ceiling=model == "energy")


@pytest.mark.parametrize("model", ["energy", "mood"])
def test_every_metric_that_is_logged_stands_in_the_card(model: str) -> None:
    metrics = logged(a_candidate(model), ceiling=model == "energy")
    told = Page(a_page(model)).metrics

    assert set(told) == set(metrics)
    assert {name: told[name] for name in metrics if not name.startswith(("lift/", "slice_lift/"))} == {
        name: shown(value) for name, value in metrics.items() if not name.startswith(("lift/", "slice_lift/"))
    }


@pytest.mark.parametrize("model", ["energy", "mood"])
def test_a_card_is_well_formed_and_fetches_nothing(model: str) -> None:
    page = Page(a_page(model))

    assert page.open == []
    assert not page.tags & FETCHING
    assert all(address.startswith(("#", "data:image/png;base64,")) for address in page.addresses)
    assert not re.search(r"https?:|@import|url\((?!#)|javascript:", a_page(model))


@pytest.mark.parametrize("model", ["energy", "mood"])
def test_what_a_plot_refers_to_is_its_own(model: str) -> None:
    page = Page(a_page(model))
    used = {address[1:] for address in page.addresses if address.startswith("#")}
    clipped = set(re.findall(r"url\(#([^)]+)\)", a_page(model)))

    assert len(page.ids) == len(set(page.ids))
    assert used | clipped <= set(page.ids)


@pytest.mark.parametrize("model", ["energy", "mood"])
def test_nobody_is_named_in_a_card(model: str) -> None:
    rows = a_candidate(model).rows

    for person in rows.people:
        assert person not in a_page(model)
        assert person_digest(person) not in a_page(model)


def test_equal_input_gives_equal_bytes() -> None:
    assert html_of(a_candidate(), ceiling=True) == a_page()


def test_the_first_paragraph_of_a_card_says_whether_there_is_skill() -> None:
    page = html_of(a_candidate(effect=0.0))
    first = page[page.index("<main>") :].split("</p>")[0]

    assert 'class="standing no_skill"' in first
    assert "no skill" in first


def test_energy_is_shown_from_every_side() -> None:
    assert set(Page(a_page()).titles) >= {
        "MAE on held-out days, less is better",
        "Residuals on held-out days",
        "Residuals by prediction",
        "Residuals by what was rated",
        "Is what is predicted what comes on average?",
        "Do intervals hold what they promise?",
        "Coverage by slice",
        "What the model leans on",
    }


def test_mood_shows_whether_its_probabilities_are_kept() -> None:
    assert {"Are the probabilities kept?", "Where each observed class went"} <= set(
        Page(a_page("mood")).titles
    )


def test_plots_take_their_ink_from_the_page() -> None:
    plots = re.findall(r"<svg.*?</svg>", a_page(), re.DOTALL)

    assert plots
    assert all("currentColor" in plot and INK not in plot for plot in plots)


def test_a_baseline_that_wins_is_marked_in_its_cell() -> None:
    candidate = a_candidate(effect=0.0)
    metric, names = next(iter(a_card(candidate).metrics.lost.items()))

    page = html_of(candidate)

    assert f'<td class="best" data-metric="{metric}/{names[0]}">' in page
    assert f'<td data-metric="{metric}/model">' in page
    assert f"<b>{metric}</b> ({', '.join(names)})" in page


def test_without_a_ceiling_a_card_speaks_of_none() -> None:
    page = html_of(a_candidate())

    assert "ceiling" in a_page()
    assert "The ceiling is" not in page
    assert "<h2>Skill</h2>" not in page


def test_without_slices_and_folds_a_card_says_that_there_are_none() -> None:
    candidate = a_candidate(plan=ONE_FOLD)
    card = replace(a_card(candidate), slices=())

    page = render(card, ())

    assert "fall into no slices" in page
    assert "Not judged: a single fold" in page
    assert Page(page).open == []


def test_names_from_outside_cannot_write_html() -> None:
    card = replace(a_card(a_candidate()), title="<script>alert(1)</script>", audience="`<b>`")

    page = render(card, ())

    assert "<script>" not in page
    assert "<code>&lt;b&gt;</code>" in page
