from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from aurora.features.catalogue import FEATURE_SETS, FEATURES
from aurora.features.windows import Window
from aurora.models.catalogue import (
    ENERGY,
    MODELS,
    MOOD,
    ModelSpec,
    UnknownModelError,
    model_spec,
    registered_name,
)


@pytest.mark.parametrize("spec", MODELS.values(), ids=lambda spec: spec.name)
def test_a_recipe_names_only_features_of_its_set(spec: ModelSpec) -> None:
    named = set(spec.baselines_from_features.values())
    named |= {entry.feature for entry in spec.centred}
    named |= {name for name in (spec.spread_column, spec.prior_column, spec.level_column) if name}

    assert named <= set(FEATURE_SETS[spec.feature_set])
    assert set(spec.baseline_columns) | {entry.centre for entry in spec.centred} <= set(spec.columns)


@pytest.mark.parametrize("spec", MODELS.values(), ids=lambda spec: spec.name)
def test_a_classifier_has_a_baseline_share_and_a_value_for_each_class(spec: ModelSpec) -> None:
    if spec.kind == "classes":
        assert len(spec.baseline_columns) == len(spec.class_values) == len(spec.classes)
    else:
        assert len(spec.baseline_columns) == 1


METHOD = {"halves": {"HALVES": 6}}


def test_any_change_of_a_recipe_shows_in_its_fingerprint() -> None:
    changed = [
        replace(ENERGY, params={**ENERGY.params, "max_depth": 6}).fingerprint(METHOD),
        replace(ENERGY, train_window_days=60).fingerprint(METHOD),
        ENERGY.fingerprint({"halves": {"HALVES": 8}}),
    ]

    assert ENERGY.fingerprint(METHOD) == ENERGY.fingerprint(METHOD)
    assert len({ENERGY.fingerprint(METHOD), *changed}) == 4


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("avg_sleep_last_7d", {"version": 2}),
        ("avg_sleep_last_7d", {"formula": Window("sleep_minutes", "daily", 8)}),
        ("caffeine_daily_27d", {"version": 2}),
    ],
    ids=["version", "formula", "usual level"],
)
def test_a_feature_that_means_something_else_makes_another_recipe(
    name: str, changes: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    before = ENERGY.fingerprint(METHOD)

    monkeypatch.setitem(FEATURES, name, replace(FEATURES[name], **changes))

    assert ENERGY.fingerprint(METHOD) != before


def test_words_about_a_feature_and_features_that_the_model_does_not_see_make_no_other_recipe(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    before = ENERGY.fingerprint(METHOD)

    monkeypatch.setitem(
        FEATURES, "avg_sleep_last_7d", replace(FEATURES["avg_sleep_last_7d"], description="Sleep.")
    )
    monkeypatch.setitem(FEATURES, "sleep_debt_sum_7d", replace(FEATURES["sleep_debt_sum_7d"], version=2))

    assert ENERGY.fingerprint(METHOD) == before


def test_another_set_of_features_makes_another_recipe(monkeypatch: pytest.MonkeyPatch) -> None:
    before = ENERGY.fingerprint(METHOD)

    monkeypatch.setitem(FEATURE_SETS, "energy", ENERGY.features[:-1])

    assert ENERGY.fingerprint(METHOD) != before


def test_each_set_has_a_version_of_its_own() -> None:
    assert ENERGY.feature_set_version != MOOD.feature_set_version


def test_only_real_people_share_the_plain_name() -> None:
    assert registered_name("energy", "real") == "energy"
    assert registered_name("energy", "soccermon") == "energy.soccermon"


def test_a_model_outside_the_catalogue_is_named_in_the_error() -> None:
    with pytest.raises(UnknownModelError, match="luck"):
        model_spec("luck")
