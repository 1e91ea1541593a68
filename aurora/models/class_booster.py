"""LightGBM on ordered classes: it learns by how much a baseline's probabilities lean towards the better ones."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import lightgbm
import numpy as np

from aurora.models.boosting import Fit, Trees, Trial
from aurora.models.catalogue import ModelSpec
from aurora.models.forest import Ensemble, trees_of_lightgbm
from aurora.models.metrics import Floats, Ints
from aurora.models.ordinal import LeanedStart, SingleFloats, leaned

ALONE: Mapping[str, Any] = {}
"""Nobody trains with this process."""


class ClassBooster(Trees):
    """LightGBM on ordered classes: one score per row leans the start's probabilities towards better classes
    (`aurora.models.ordinal`). One tree a round serves all classes, which learns more from few people than a
    tree for each.
    """

    def __init__(self, booster: lightgbm.Booster, threads: int = 1) -> None:
        self._booster = booster
        self._threads = threads

    @classmethod
    def fit(
        cls,
        spec: ModelSpec,
        design: Floats,
        start: Floats,
        target: Ints,
        *,
        rounds: int,
        threads: int = 1,
        network: Mapping[str, Any] = ALONE,
    ) -> Fit:
        """Train for exactly `rounds` rounds.

        `network` has LightGBM's parameters of a training on many machines, each of which calls this with rows
        of its own; all of them get the same booster, each the scores of its rows.
        """
        params = {**_lightgbm_params(spec, threads, _OrdinalLoss(start, target)), **network}
        data = lightgbm.Dataset(design, target, params=_without_objective(params))
        if not network and not _can_split(data):
            return Fit(cls(_without_trees(data), threads), np.zeros(len(target)))
        booster = lightgbm.train(params, data, rounds, keep_training_booster=True)
        scores = _scores_of_rows(booster)
        # As `train` does with a booster that it need not keep.
        booster.model_from_string(booster.model_to_string()).free_dataset()
        return Fit(cls(_left(booster, network), threads), scores)

    @classmethod
    def tried(
        cls,
        spec: ModelSpec,
        design: Floats,
        start: Floats,
        target: Ints,
        *,
        judged: Ints,
        threads: int = 1,
        network: Mapping[str, Any] = ALONE,
    ) -> Trial:
        """Train on all but the rows numbered `judged`, by as many rounds as do best on these.

        On many machines (`network`) all of them must judge the same rows, or they stop at different rounds.
        """
        rest = np.setdiff1d(np.arange(len(target)), judged)
        params = {**_lightgbm_params(spec, threads, _OrdinalLoss(start[rest], target[rest])), **network}
        judging = _OrdinalLoss(start[judged], target[judged])
        data = lightgbm.Dataset(design[rest], target[rest], params=_without_objective(params))
        watched = data.create_valid(design[judged], target[judged])
        if not network and not _can_split(data):
            _, loss, _ = judging.measured(np.zeros(len(judged)), watched)
            return Trial(cls(_without_trees(data), threads), 1, loss)
        booster = lightgbm.train(
            params | {"metric": "none"},
            data,
            spec.max_rounds,
            valid_sets=[watched],
            feval=judging.measured,
            callbacks=[lightgbm.early_stopping(spec.patience_rounds, verbose=False)],
        )
        # The library answers with the best round and not with the last.
        return Trial(
            cls(_left(booster, network), threads),
            max(booster.best_iteration, 1),
            float(booster.best_score["valid_0"]["log_loss"]),
        )

    @classmethod
    def from_bytes(cls, body: bytes, threads: int = 1) -> ClassBooster:
        return cls(lightgbm.Booster(model_str=body.decode()), threads)

    def answer(self, design: Floats, start: Floats) -> Floats:
        return leaned(start, self.score(design))

    def to_bytes(self) -> bytes:
        return self._booster.model_to_string().encode()

    def _score_of_table(self, design: Floats) -> Floats:
        return np.asarray(self._booster.predict(design, raw_score=True, num_threads=self._threads))

    def _shares_by_library(self, design: Floats) -> Floats:
        return np.asarray(self._booster.predict(design, pred_contrib=True, num_threads=self._threads))

    def _trees(self) -> Ensemble:
        return trees_of_lightgbm(self._booster)


class _OrdinalLoss:
    """Log loss of the leaned baseline, for LightGBM: gradient and curvature by row, and the mean to watch."""

    def __init__(self, start: Floats, target: Ints) -> None:
        self._leaned = LeanedStart(start, target)

    def __call__(self, score: Floats, _data: lightgbm.Dataset) -> tuple[SingleFloats, SingleFloats]:
        pull, curvature = self._leaned.left_over(score)
        return np.negative(pull, out=pull), curvature

    def measured(self, score: Floats, _data: lightgbm.Dataset) -> tuple[str, float, bool]:
        return "log_loss", self._leaned.log_loss(score), False


def _without_objective(params: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in params.items() if name != "objective"}


def _can_split(data: lightgbm.Dataset) -> bool:
    """Whether any column has enough rows on two sides. Where none has, the library ends the training in an error."""
    data.construct()
    return any(data.feature_num_bin(column) for column in range(data.num_feature()))


def _without_trees(data: lightgbm.Dataset) -> lightgbm.Booster:
    """A booster that moves no start."""
    return lightgbm.Booster({**data.get_params(), "objective": "none"}, data)


def _scores_of_rows(booster: lightgbm.Booster) -> Floats:
    """What a booster that still has its rows adds to each of them."""
    found: list[Floats] = []

    def keep(scores: Floats, _data: lightgbm.Dataset) -> tuple[str, float, bool]:
        found.append(scores.copy())
        return "kept", 0.0, False

    booster.eval_train(feval=keep)
    return found[0]


def _left(booster: lightgbm.Booster, network: Mapping[str, Any]) -> lightgbm.Booster:
    """The booster after it has left the network, and without the addresses in it: ports differ each time."""
    if not network:
        return booster
    booster.free_network()
    best = booster.best_iteration if booster.best_iteration > 0 else None
    text = booster.model_to_string(num_iteration=best)
    for name in network:
        text = re.sub(rf"^\[{name}: .*\]\n", "", text, flags=re.MULTILINE)
    return lightgbm.Booster(model_str=text)


def _lightgbm_params(spec: ModelSpec, threads: int, loss: _OrdinalLoss) -> dict[str, object]:
    return {
        **spec.params,
        "objective": loss,
        "boost_from_average": False,
        "seed": spec.seed,
        "deterministic": True,
        "force_row_wise": True,
        "num_threads": threads,
        "verbose": -1,
    }
