"""What a recipe is made of: every constant that decides what a training makes of the same rows."""

from __future__ import annotations

import ast
import inspect
from types import ModuleType

import numpy as np
import pytest

from aurora.models import headstart, intervals, ordinal
from aurora.models.catalogue import ENERGY
from pipelines.training import choosing, recipe
from pipelines.training.fitting import fit
from pipelines.training.recipe import METHOD, fingerprint_of
from tests.pipelines.training.made_up_rows import some_rows


@pytest.mark.parametrize(
    "module", [choosing, headstart, intervals, ordinal, recipe], ids=lambda module: module.__name__
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
