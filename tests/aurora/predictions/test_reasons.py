from __future__ import annotations

import pytest

from aurora.features.catalogue import FEATURES
from aurora.models.catalogue import MODELS
from aurora.predictions.phrases import PHRASES, note_of
from aurora.predictions.reasons import told


@pytest.mark.parametrize(
    ("value", "unit", "words"),
    [
        (330, "min", "5 h 30 min"),
        (45, "min", "45 min"),
        (-120, "min", "−2 h 00 min"),
        (6.04, "points", "6.0 points"),
        (0.25, "valence", "0.25 valence"),
        (1, "0/1", "yes"),
        (7, "day", "Sunday"),
        (19.8, "hour of day", "19:48"),
        (23.995, "hour of day", "00:00"),
        (0.4, "share", "40%"),
        (812.4, "RPE·min", "812 RPE·min"),
        (3, "", "3"),
    ],
)
def test_values_are_told_as_people_say_them(value: float, unit: str, words: str) -> None:
    assert told(value, unit) == words


def test_phrases_name_only_features_that_exist() -> None:
    assert set(PHRASES) <= set(FEATURES)


def test_every_feature_of_a_model_can_be_named_even_without_a_phrase() -> None:
    for name in {name for spec in MODELS.values() for name in spec.features}:
        assert note_of(name).label

    assert note_of("mood_neutral_ewma_28d").label == "Weighted share of ratings that were neutral"
    assert note_of("unheard_of").label == "unheard of"
