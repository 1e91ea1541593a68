from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from aurora.models.gate import LEAK_CHECK, Check, Verdict
from aurora.models.lift import Lift
from aurora.predictions.predictor import Predictor
from pipelines.training.candidate import Judgement
from pipelines.training.model_card.contents import model_card
from pipelines.training.model_card.sentences import standing
from pipelines.training.model_card.shares import feature_shares
from pipelines.training.model_card.tables import CEILING, metric_table
from tests.pipelines.training.model_card.cards import ONE_FOLD, a_candidate, a_card, judged, logged


def a_lift(mean: float, lower: float, upper: float, *, relative: float = 0.1, people: int = 40) -> Lift:
    return Lift(people, people * 28, mean, lower, upper, relative, relative, relative, worse_p=0.5)


def a_judgement(lift: Lift, *, leak: bool = False) -> Judgement:
    check = Check(LEAK_CHECK, passed=not leak, sentence="R² 0.99")
    return Judgement("ewma", False, lift, {}, Verdict(not leak, (check,)))


def test_a_model_that_wins_has_skill_and_says_over_whom_and_how_much() -> None:
    candidate = a_candidate()
    said = a_card(candidate).standing

    assert said.kind == "skill"
    assert said.sentence.startswith("This model has skill")
    assert f"`{candidate.held_out.best_baseline()}`" in said.sentence


def test_a_model_that_learns_nothing_says_so_in_its_first_sentence() -> None:
    said = a_card(a_candidate(effect=0.0)).standing

    assert said.kind == "no_skill"
    assert said.sentence.startswith(("This model has shown no skill", "This model has no skill"))
    assert said.sentence.endswith("Ask the baseline instead.")


@pytest.mark.parametrize(
    ("lift", "kind", "begins"),
    [
        (a_lift(0.1, 0.05, 0.15), "skill", "This model has skill"),
        (a_lift(0.01, 0.005, 0.02, relative=0.01), "little_skill", "This model has little skill"),
        (a_lift(0.01, -0.01, 0.03), "no_skill", "This model has shown no skill"),
        (a_lift(-0.1, -0.2, -0.05, relative=-0.1), "no_skill", "This model has no skill"),
        (a_lift(0.1, 0.05, 0.15, people=4), "unknown", "Whether this model has any skill is not known"),
    ],
)
def test_skill_is_what_chance_does_not_explain(lift: Lift, kind: str, begins: str) -> None:
    said = standing(lift, "ewma", a_judgement(lift), a_candidate().rows.spec)

    assert said.kind == kind
    assert said.sentence.startswith(begins)


def test_a_model_that_is_too_good_is_not_to_be_used() -> None:
    lift = a_lift(0.9, 0.8, 1.0)

    assert standing(lift, "ewma", a_judgement(lift, leak=True), a_candidate().rows.spec).kind == "leak"


def test_where_a_baseline_wins_it_is_marked_and_named() -> None:
    table = metric_table({"mae/model": 0.7, "mae/ewma": 0.6, "r2/model": 0.5, "r2/ewma": 0.4}, ["ewma"])

    assert table.winners("mae") == ("ewma",)
    assert table.winners("r2") == ("model",)
    assert table.lost == {"mae": ("ewma",)}


def test_figures_that_look_equal_are_equally_good() -> None:
    table = metric_table({"mae/model": 0.70012, "mae/ewma": 0.70008}, ["ewma"])

    assert table.winners("mae") == ("model", "ewma")
    assert table.lost == {}


def test_the_ceiling_stands_last_and_never_wins() -> None:
    table = metric_table({"mae/model": 0.7, "mae/ewma": 0.8, "mae/ceiling": 0.6}, ["ewma"])

    assert table.answerers[-1].name == CEILING
    assert table.winners("mae") == ("model",)


def test_a_baseline_that_wins_is_among_the_limits() -> None:
    card = a_card(a_candidate(effect=0.0))
    metric, names = next(iter(card.metrics.lost.items()))

    assert any(f"{metric} ({', '.join(names)})" in limit for limit in card.limits)


def test_a_card_is_full_of_what_reproduces_the_model() -> None:
    candidate = a_candidate()
    facts = dict(
        model_card(candidate, judged(candidate), logged(candidate), name="energy", git_sha="c0ffee").facts
    )

    assert facts["Git commit"] == "c0ffee"
    assert facts["Seed"] == str(candidate.rows.spec.seed)
    assert facts["Data version"] == candidate.rows.data_version
    assert facts["Fingerprint"] == candidate.fitted.metadata.fingerprint
    assert facts["Judged on"].startswith("168 ratings of 12 people")


def test_few_people_are_called_few() -> None:
    assert any("12 people. That is few" in limit for limit in a_card(a_candidate()).limits)


def test_a_slice_of_too_few_people_has_no_lift_and_the_card_says_so() -> None:
    card = a_card(a_candidate(people=8))
    persona = {row.name: row for row in card.slices}["persona.owl"]

    assert persona.people == 4
    assert persona.lift is None
    assert any("persona.owl" in limit for limit in card.limits)


def test_simulated_people_are_told_from_real_ones() -> None:
    candidate = a_candidate()

    assert any("simulated" in limit for limit in a_card(candidate, ceiling=True).limits)
    assert not any("simulated" in limit for limit in a_card(candidate).limits)


def test_coverage_is_known_for_everybody_and_every_slice() -> None:
    card = a_card(a_candidate())

    assert list(card.coverage) == ["everybody", *(row.name for row in card.slices)]
    assert card.coverage["everybody"].value == pytest.approx(logged(a_candidate())["interval/coverage"])


def test_one_fold_alone_judges_no_interval() -> None:
    card = a_card(a_candidate(plan=ONE_FOLD))

    assert card.interval == ()
    assert card.coverage == card.coverage_by_promise == {}
    assert any("was not judged" in limit for limit in card.limits)


def test_intervals_that_promise_more_hold_more() -> None:
    held = [share.value for share in a_card(a_candidate()).coverage_by_promise.values()]

    assert held == sorted(held)
    assert held[0] < held[-1]


@pytest.mark.parametrize("model", ["energy", "mood"])
def test_shares_are_those_of_the_reasons_that_people_are_told(model: str) -> None:
    candidate = a_candidate(model)
    rows, first = candidate.rows, candidate.held_out.number[0]
    vector = {
        name: None if np.isnan(value) else float(value)
        for name, value in zip(rows.spec.columns, rows.table[first], strict=True)
    }

    told = Predictor.load(candidate.artifact).explain(vector, user_id=rows.people[rows.users[first]])

    shares = feature_shares(candidate)
    found = dict(zip(shares.features, shares.shares[0], strict=True))
    assert found == pytest.approx(told.contributions)
    assert shares.features[0] == "avg_sleep_last_7d"
    assert list(shares.mean) == sorted(shares.mean, reverse=True)


def test_lift_is_shown_over_the_champion_and_over_the_best_baseline() -> None:
    candidate = a_candidate()
    judgement = replace(judged(candidate), reference="champion 3")
    card = model_card(candidate, judgement, logged(candidate), name="energy")

    assert [row.over for row in card.lifts] == ["champion 3", candidate.held_out.best_baseline()]
