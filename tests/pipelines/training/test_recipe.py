"""What a recipe is made of: every constant that decides what a training makes of the same rows."""

from __future__ import annotations

import ast
import inspect
from dataclasses import replace
from types import ModuleType
from typing import Any

import numpy as np
import psycopg
import pytest

from aurora.features.catalogue import FEATURES
from aurora.models import headstart, intervals, ordinal, regression_booster
from aurora.models.catalogue import ENERGY
from pipelines.training import choosing, recipe
from pipelines.training.fitting import fit
from pipelines.training.recipe import METHOD, fingerprint_of
from tests.pipelines.training.made_up_rows import some_rows
from tests.pipelines.training.quick_training import train
from tests.pipelines.training.warehouse import add_people


@pytest.mark.parametrize(
    "module",
    [choosing, headstart, intervals, ordinal, recipe, regression_booster],
    ids=lambda module: module.__name__,
)
def test_every_constant_of_a_training_is_part_of_the_fingerprint(module: ModuleType) -> None:
    body = ast.parse(inspect.getsource(module)).body
    targets = [
        target
        for line in body
        for target in (
            line.targets
            if isinstance(line, ast.Assign)
            else [line.target]
            if isinstance(line, ast.AnnAssign)
            else []
        )
    ]
    constants = {target.id for target in targets if isinstance(target, ast.Name) and target.id.isupper()}

    assert constants - {"METHOD"} == set(METHOD[module.__name__.rpartition(".")[2]])


def test_an_artifact_carries_the_fingerprint_of_the_recipe_that_it_was_made_by() -> None:
    rows = some_rows()

    fitted = fit(rows, np.arange(len(rows)))

    assert fitted is not None
    assert fitted.metadata.fingerprint == fingerprint_of(rows.spec)
    assert fitted.metadata.fingerprint != fingerprint_of(ENERGY), "quick ones have fewer rounds"


def test_a_recipe_with_a_feature_of_another_version_is_no_refit_and_has_to_win(
    connection: psycopg.Connection[Any], mlflow_uri: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_people(connection)
    champion = train(connection, mlflow_uri)
    monkeypatch.setitem(FEATURES, "avg_sleep_last_7d", replace(FEATURES["avg_sleep_last_7d"], version=2))

    again = train(connection, mlflow_uri)

    assert champion.outcome == "promoted", champion.sentences
    assert again.reference == f"champion {champion.version}"
    assert again.outcome == "refused"
    assert f"does not win against champion {champion.version}" in again.sentences[1]
