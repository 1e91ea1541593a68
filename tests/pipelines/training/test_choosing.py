"""What the training days decide: lines where much adds up, offsets where people differ for good."""

from __future__ import annotations

from dataclasses import replace
from uuid import NAMESPACE_DNS, uuid5

import numpy as np
import pytest

from aurora.models.catalogue import ENERGY, MOOD, ModelSpec
from aurora.models.metrics import Floats
from aurora.predictions.answers import design_of, start_of
from aurora.predictions.artifact import person_digest
from aurora.predictions.predictor import Predictor
from pipelines.training import choosing
from pipelines.training.fitting import fit
from pipelines.training.rows import TrainingRows
from tests.pipelines.training.made_up_rows import some_rows

PEOPLE, DAYS = 20, 60


@pytest.fixture(autouse=True)
def few_rows_are_many(monkeypatch: pytest.MonkeyPatch) -> None:
    """A thousand rows decide here: the effects are made large enough."""
    monkeypatch.setattr(choosing, "MANY_ROWS", 1_000)


def _quick(spec: ModelSpec) -> ModelSpec:
    return replace(spec, max_rounds=60, patience_rounds=10)


def _rows(spec: ModelSpec, *, sleep: float = 0.0, personal: float = 0.0) -> TrainingRows:
    """Ratings around everybody's EWMA, moved by an hour of sleep and by what nobody records of a person."""
    rng = np.random.default_rng(5)
    users = np.repeat(np.arange(PEOPLE), DAYS)
    as_of = np.tile(np.arange(DAYS), PEOPLE).astype(np.float64) * 86_400
    slept = rng.normal(450, 60, len(users))
    own = rng.normal(0, personal, PEOPLE) if personal else np.zeros(PEOPLE)
    moved = sleep * (slept - 450) / 60 + own[users] + rng.normal(0, 0.5, len(users))
    energy = np.clip(5 + moved, 0, 10)
    values: Floats = energy if spec.kind == "regression" else np.clip((energy - 5) / 5, -1, 1)
    known = {"energy_ewma_28d": np.full(len(users), 5.0), "mood_ewma_28d": np.zeros(len(users))}
    known |= {"avg_sleep_last_7d": slept}
    known |= {name: np.full(len(users), 0.2) for name in MOOD.baseline_columns}
    table = np.full((len(users), len(spec.columns)), np.nan)
    for place, name in enumerate(spec.columns):
        if name in known:
            table[:, place] = known[name]
    people = tuple(str(uuid5(NAMESPACE_DNS, str(number))) for number in range(PEOPLE))
    return TrainingRows(
        spec=spec,
        cohort="real",
        people=people,
        personas=PEOPLE * (None,),
        users=users,
        label_ids=np.zeros(len(users), "V16"),
        is_instant=np.ones(len(users), dtype=np.bool_),
        as_of=as_of,
        known_at=as_of,
        first_known_at=as_of,
        values=values,
        table=table,
        data_version="made-up",
    )


@pytest.mark.parametrize("spec", [ENERGY, MOOD], ids=["energy", "mood"])
def test_lines_are_taken_where_much_adds_up(spec: ModelSpec) -> None:
    rows = _rows(_quick(spec), sleep=1.0)

    fitted = fit(rows, np.arange(len(rows)))

    assert fitted is not None
    assert fitted.choices.has_lines
    assert fitted.metadata.lines is not None


@pytest.mark.parametrize("spec", [ENERGY, MOOD], ids=["energy", "mood"])
def test_a_known_person_is_answered_with_their_own_offset(spec: ModelSpec) -> None:
    rows = _rows(_quick(spec), personal=1.0)

    fitted = fit(rows, np.arange(len(rows)))

    assert fitted is not None
    assert fitted.choices.offset_penalty is not None
    highest = max(range(PEOPLE), key=lambda user: rows.values[rows.users == user].mean())
    offsets = fitted.metadata.offsets
    assert max(offsets, key=lambda digest: offsets[digest]) == person_digest(rows.people[highest])
    predictor = Predictor.load(fitted.pack())
    vector = dict(zip(spec.columns, rows.table[0].tolist(), strict=True))
    known, stranger = (predictor.predict(vector, user_id=who) for who in (rows.people[highest], "a stranger"))
    assert known.value is not None
    assert stranger.value is not None
    assert known.value > stranger.value + 0.1


@pytest.mark.parametrize("spec", [ENERGY, MOOD], ids=["energy", "mood"])
def test_reasons_and_base_sum_to_the_answer_with_lines_and_offset(spec: ModelSpec) -> None:
    rows = _rows(_quick(spec), sleep=1.0, personal=1.0)
    fitted = fit(rows, np.arange(len(rows)))
    assert fitted is not None
    predictor = Predictor.load(fitted.pack())
    vector = dict(zip(spec.columns, rows.table[7].tolist(), strict=True))

    explanation = predictor.explain(vector, user_id=rows.people[0])

    prediction = predictor.predict(vector, user_id=rows.people[0])
    if prediction.probabilities is None:
        raw = prediction.value
    else:
        stated = list(prediction.probabilities.values())
        better = max(int(np.argmax(stated)), 1)
        raw = float(np.log(stated[better] / stated[better - 1]))
    assert fitted.metadata.lines is not None
    assert explanation.raw == pytest.approx(raw, abs=1e-4)


def test_few_rows_decide_nothing_but_the_number_of_rounds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(choosing, "MANY_ROWS", 10_000)
    rows = _rows(_quick(ENERGY), sleep=1.0, personal=1.0)

    fitted = fit(rows, np.arange(len(rows)))

    assert fitted is not None
    assert not fitted.choices.has_lines
    assert fitted.choices.offset_penalty is None
    assert fitted.metadata.lines is None
    assert fitted.metadata.offsets == {}


def test_choices_are_used_again_for_a_refit() -> None:
    rows = _rows(_quick(ENERGY), sleep=1.0, personal=1.0)
    first = fit(rows, np.arange(len(rows) - 100))
    assert first is not None

    again = fit(rows, np.arange(len(rows)), like=first)

    assert again is not None
    assert again.choices == first.choices
    assert again.metadata.lines != first.metadata.lines


def test_the_budget_of_a_training_says_what_it_tries() -> None:
    few, many = (choosing.budget_of(MOOD, rows) for rows in (999, 1_000))

    assert few == f"{len(choosing.STARTS)} starts, none trained; {many.split('; ')[2]}"
    assert many.startswith(f"{len(choosing.STARTS)} starts of at most 100 rounds")
    assert "lines: 2 trainings" in many
    assert many.endswith("5 offset penalties, none trained")
    assert "starts" not in choosing.budget_of(ENERGY, 1_000)


@pytest.mark.parametrize("model", ["energy", "mood"])
def test_rows_picked_in_pieces_are_those_with_a_baseline_in_their_order(model: str) -> None:
    rows = some_rows(model, people=5, days=20, cold=2)
    chosen = np.arange(len(rows))[::-1]
    fitted = fit(rows, chosen)
    assert fitted is not None
    metadata = fitted.metadata

    picked = choosing.usable(rows, chosen, metadata, at_once=7)

    known = chosen[rows.users[chosen] >= 2]
    start, _ = start_of(metadata, rows.table[known])
    np.testing.assert_array_equal(picked.design, design_of(metadata, rows.table[known]))
    np.testing.assert_array_equal(picked.start, start)
    np.testing.assert_array_equal(picked.target, rows.targets[known])
    np.testing.assert_array_equal(picked.as_of, rows.as_of[known])
    assert len(choosing.usable(rows, chosen[:0], metadata).target) == 0
