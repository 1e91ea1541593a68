"""Which features are told as the reasons of an answer, and in which order."""

from __future__ import annotations

import math

from aurora.predictions.reasons import top_reasons
from tests.aurora.predictions.test_predictor import ENERGY

FEATURES = ENERGY.metadata.features


def told(shares: list[float], *, missing: tuple[int, ...] = ()) -> list[str]:
    """The features that are told of when the first ones have these shares and all others none."""
    shares = shares + [0.0] * (len(FEATURES) - len(shares))
    vector = [math.nan if place in missing else 1.0 for place in range(len(FEATURES))]
    return [reason.feature for reason in top_reasons(ENERGY.metadata, shares, vector)]


def test_the_three_largest_are_told_whichever_way_they_move() -> None:
    assert told([0.1, -0.5, 0.3, 0.2]) == [FEATURES[1], FEATURES[2], FEATURES[3]]


def test_what_is_known_goes_before_what_is_missing() -> None:
    assert told([0.9, 0.1, 0.2, 0.3], missing=(0,)) == [FEATURES[3], FEATURES[2], FEATURES[1]]
    assert told([0.9, 0.1], missing=(0,)) == [FEATURES[1], FEATURES[0]]


def test_what_is_too_small_to_speak_of_takes_no_place() -> None:
    assert told([0.009, 0.9, 0.008, 0.007], missing=(1,)) == [FEATURES[1]]
    assert told([0.0]) == []
