from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from aurora.models.catalogue import ModelSpec
from aurora.models.metrics import Floats
from aurora.predictions.difference import reach_of_difference
from aurora.predictions.predictor import Predictor
from tests.aurora.predictions.days import MOOD_SPEC, SPEC, a_fit, sleep_effects, training_rows

PEOPLE = 12


def an_ordinary_day(**changes: float) -> dict[str, float | None]:
    return {
        "energy_ewma_28d": 6.0,
        "energy_mean_28d": 6.0,
        "mood_ewma_28d": 0.2,
        "mood_mean_28d": 0.2,
        **dict.fromkeys(MOOD_SPEC.baseline_columns, 0.2),
        "avg_sleep_last_7d": 420.0,
        "main_sleep_minutes_mean_28d": 440.0,
        "caffeine_active_1d": 80.0,
        **changes,
    }


def asked(predictor: Predictor, changes: dict[str, float], user_id: str = "p00") -> tuple[float, float]:
    """What the model says of a change, and how far its interval reaches."""
    vectors = [an_ordinary_day(), an_ordinary_day(**changes)]
    before, after = predictor.predict_many(vectors, [user_id, user_id])
    reach = reach_of_difference(predictor, predictor.table(vectors), user_id, after)
    assert reach is not None
    return (after.value or 0) - (before.value or 0), reach


def covered(predictor: Predictor, effects: Floats) -> list[bool]:
    """Of each person, whether the interval of an hour more sleep a day holds what it brings them."""
    answers = [asked(predictor, {"avg_sleep_last_7d": 480.0}, f"p{person:02}") for person in range(PEOPLE)]
    return [abs(said - effect) <= reach for (said, reach), effect in zip(answers, effects, strict=True)]


def test_the_interval_holds_what_a_change_brings_a_person_and_chance_alone_would_not() -> None:
    whole: list[bool] = []
    by_chance: list[bool] = []
    for seed in range(5):
        fitted = a_fit(SPEC, training_rows(SPEC, people=PEOPLE, differing=0.4, seed=seed))
        effects = sleep_effects(PEOPLE, 0.4, seed)
        whole += covered(Predictor.load(fitted.pack()), effects)
        by_chance += covered(Predictor.load(fitted.with_(slope_spreads={}).pack()), effects)

    assert np.mean(whole) >= 0.85
    assert np.mean(by_chance) < 0.85


@pytest.mark.parametrize("spec", [SPEC, MOOD_SPEC], ids=lambda spec: spec.name)
def test_the_interval_reaches_farther_the_more_is_changed(spec: ModelSpec) -> None:
    predictor = Predictor.load(a_fit(spec, training_rows(spec, differing=0.4)).pack())
    reaches = [asked(predictor, {"avg_sleep_last_7d": minutes})[1] for minutes in (430.0, 450.0, 500.0)]

    assert reaches == sorted(reaches)
    assert reaches[0] < reaches[-1]


def test_columns_that_move_add_up_as_differing_each_by_itself() -> None:
    fitted = a_fit()
    spreads = {"avg_sleep_last_7d": 0.01, "caffeine_active_1d": 0.02}
    # Halves that say what the model says: nothing is chance.
    certain = replace(
        fitted.with_(half_lines=(fitted.metadata.lines,) * 6, slope_spreads=spreads),
        halves=(fitted.booster,) * 6,
    )
    predictor = Predictor.load(certain.pack())
    slept, drank = {"avg_sleep_last_7d": 450.0}, {"caffeine_active_1d": 60.0}

    assert asked(predictor, slept)[1] == pytest.approx(1.943 * 0.3)
    assert asked(predictor, drank)[1] == pytest.approx(1.943 * 0.4)
    assert asked(predictor, slept | drank)[1] == pytest.approx(1.943 * 0.5)
