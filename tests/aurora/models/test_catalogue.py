from __future__ import annotations

from dataclasses import replace

import pytest

from aurora.features.catalogue import FEATURE_SETS
from aurora.models.catalogue import ENERGY, MODELS, ModelSpec, UnknownModelError, model_spec, registered_name


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


def test_any_change_of_a_recipe_shows_in_its_fingerprint() -> None:
    changed = [
        replace(ENERGY, params={**ENERGY.params, "max_depth": 6}).fingerprint(ENERGY.features),
        replace(ENERGY, train_window_days=60).fingerprint(ENERGY.features),
        ENERGY.fingerprint(ENERGY.features[:-1]),
    ]

    assert ENERGY.fingerprint(ENERGY.features) == ENERGY.fingerprint(ENERGY.features)
    assert len({ENERGY.fingerprint(ENERGY.features), *changed}) == 4


def test_only_real_people_share_the_plain_name() -> None:
    assert registered_name("energy", "real") == "energy"
    assert registered_name("energy", "soccermon") == "energy.soccermon"


def test_a_model_outside_the_catalogue_is_named_in_the_error() -> None:
    with pytest.raises(UnknownModelError, match="luck"):
        model_spec("luck")
