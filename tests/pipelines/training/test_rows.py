from __future__ import annotations

import math

import numpy as np
import pytest

from aurora.models.catalogue import ENERGY, MOOD
from pipelines.training.rows import feature_set_version, rows_from_csv

HEAD = "user_id,label_event_id,as_of,known_at,value,persona,precision"


def a_csv(*lines: str) -> bytes:
    names = ",".join(ENERGY.columns)
    empty = "," * (len(ENERGY.columns) - 1)
    return "\n".join([f"{HEAD},{names}", *(f"{line},{empty}" for line in lines)]).encode()


def test_missing_features_stay_missing() -> None:
    rows = rows_from_csv(a_csv("a,l1,100,200,6.5,,instant"), ENERGY, "real")

    assert np.isnan(rows.table).all()
    assert rows.table.shape == (1, len(ENERGY.columns))
    assert rows.values.tolist() == [6.5]


def test_the_cohorts_own_now_lies_just_after_its_last_label() -> None:
    rows = rows_from_csv(a_csv("a,l1,100,900,6.5,,day", "b,l2,300,310,7,,day"), ENERGY, "real")

    assert rows.until == 901
    assert rows.people == ("a", "b")


def test_the_data_version_follows_the_rows() -> None:
    first = rows_from_csv(a_csv("a,l1,100,200,6.5,,day"), ENERGY, "real").data_version
    same = rows_from_csv(a_csv("a,l1,100,200,6.5,,day"), ENERGY, "real").data_version
    other = rows_from_csv(a_csv("a,l1,100,200,6.6,,day"), ENERGY, "real").data_version

    assert first == same != other


def test_each_set_has_a_version_of_its_own() -> None:
    assert feature_set_version(ENERGY) != feature_set_version(MOOD)


@pytest.mark.parametrize(("valence", "number"), [(-0.9, 0), (0.0, 2), (0.9, 4)])
def test_a_mood_label_is_trained_as_its_class(valence: float, number: int) -> None:
    names, empty = ",".join(MOOD.columns), "," * (len(MOOD.columns) - 1)
    body = f"{HEAD},{names}\na,l1,100,200,{valence},,instant,{empty}".encode()

    rows = rows_from_csv(body, MOOD, "real")

    assert rows.targets.tolist() == [number]
    assert math.isclose(rows.values[0], valence)
