"""The two native boosters behind one small interface: fit, answer, explain, to and from bytes.

XGBoost learns the residual to a baseline given as `base_margin`; LightGBM learns by how much the baseline's
class probabilities have to lean towards the better classes. The trees of both add one score to a row. Plain
`predict` of either library forgets where it started: nothing outside this module calls it. TreeSHAP contributions
are exact: they sum, with the base, to the raw answer.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

import lightgbm
import numpy as np
import xgboost

from aurora.models.catalogue import ModelSpec
from aurora.models.forest import Forest, TreesUnsupportedError, forest_of_lightgbm, forest_of_xgboost
from aurora.models.metrics import Floats, Ints
from aurora.models.ordinal import LeanedStart, leaned


class Booster(Protocol):
    """A trained booster. `start` is where it starts from: one value per row, or one share per row and class."""

    def score(self, design: Floats) -> Floats:
        """What the trees add to the raw answer, wherever that starts from: one value per row."""
        ...

    def prepare(self) -> None:
        """Make now what the first single row would wait for."""
        ...

    def answer(self, design: Floats, start: Floats) -> Floats:
        """The final answer: one value per row, or one probability per row and class."""
        ...

    def contributions(self, design: Floats, start: Floats) -> tuple[Floats, Floats]:
        """Raw contributions and the base they start from.

        (rows × columns, rows), in units of the target; for classes in log-odds of the answered class against
        the next worse one. Base plus contributions is the raw answer.
        """
        ...

    def to_bytes(self) -> bytes: ...


@dataclass(frozen=True)
class Trial:
    """A booster that was trained on some of the rows, its number of rounds, and its loss on the others."""

    booster: Booster
    rounds: int
    loss: float


class _Trees(ABC):
    """How trees score rows: a table by their library, a single row as arrays where that form knows them."""

    def score(self, design: Floats) -> Floats:
        if len(design) == 1 and self._forest is not None:
            return np.array([self._forest.score(design[0])])
        return self._score_of_table(design)

    def prepare(self) -> None:
        _ = self._forest

    @cached_property
    def _forest(self) -> Forest | None:
        try:
            return self._as_arrays()
        except TreesUnsupportedError:
            return None

    @abstractmethod
    def _score_of_table(self, design: Floats) -> Floats: ...

    @abstractmethod
    def _as_arrays(self) -> Forest: ...


class RegressionBooster(_Trees):
    """XGBoost on the residual to a baseline."""

    def __init__(self, booster: xgboost.Booster, threads: int = 1) -> None:
        self._booster = booster
        booster.set_param({"nthread": threads})

    @classmethod
    def fit(
        cls, spec: ModelSpec, design: Floats, start: Floats, target: Floats, *, rounds: int, threads: int = 1
    ) -> RegressionBooster:
        """Train for exactly `rounds` rounds."""
        data = xgboost.DMatrix(design, target, base_margin=start, nthread=threads)
        return cls(xgboost.train(xgboost_params(spec, threads), data, rounds), threads)

    @classmethod
    def tried(
        cls, spec: ModelSpec, design: Floats, start: Floats, target: Floats, *, judged: Ints, threads: int = 1
    ) -> Trial:
        """Train on all but the rows numbered `judged`, by as many rounds as do best on these."""
        rest = np.setdiff1d(np.arange(len(target)), judged)
        data = xgboost.DMatrix(design[rest], target[rest], base_margin=start[rest], nthread=threads)
        watched = xgboost.DMatrix(design[judged], target[judged], base_margin=start[judged], nthread=threads)
        booster = xgboost.train(
            xgboost_params(spec, threads) | {"eval_metric": "mae"},
            data,
            spec.max_rounds,
            evals=[(watched, "judged")],
            early_stopping_rounds=spec.patience_rounds,
            verbose_eval=False,
        )
        rounds = booster.best_iteration + 1
        return Trial(cls(booster[:rounds], threads), rounds, booster.best_score)

    @classmethod
    def from_bytes(cls, body: bytes, threads: int = 1) -> RegressionBooster:
        booster = xgboost.Booster()
        booster.load_model(bytearray(body))
        return cls(booster, threads)

    def answer(self, design: Floats, start: Floats) -> Floats:
        return start + self.score(design)

    def contributions(self, design: Floats, start: Floats) -> tuple[Floats, Floats]:
        data = xgboost.DMatrix(design, nthread=1)
        table = np.asarray(self._booster.predict(data, pred_contribs=True), dtype=np.float64)
        return table[:, :-1], table[:, -1] + start

    def to_bytes(self) -> bytes:
        return bytes(self._booster.save_raw("ubj"))

    def _score_of_table(self, design: Floats) -> Floats:
        # Without a margin to start from: to hand one over takes the library longer than to answer.
        return self._booster.inplace_predict(design, predict_type="margin").astype(np.float64)

    def _as_arrays(self) -> Forest:
        return forest_of_xgboost(self._booster)


ALONE: Mapping[str, Any] = {}
"""Nobody trains with this process."""


class ClassBooster(_Trees):
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
    ) -> ClassBooster:
        """Train for exactly `rounds` rounds.

        `network` has LightGBM's parameters of a training on many machines, each of which calls this with rows
        of its own; all of them get the same booster.
        """
        params = {**_lightgbm_params(spec, threads, _OrdinalLoss(start, target)), **network}
        data = lightgbm.Dataset(design, target, params=_without_objective(params))
        if not network and not _can_split(data):
            return cls(_without_trees(data), threads)
        return cls(_left(lightgbm.train(params, data, rounds), network), threads)

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

    def contributions(self, design: Floats, start: Floats) -> tuple[Floats, Floats]:
        table = np.asarray(self._booster.predict(design, pred_contrib=True, num_threads=self._threads))
        answered = leaned(start, table.sum(axis=1)).argmax(axis=1)
        better = np.maximum(answered, 1)
        rows = np.arange(len(start))
        before = np.log(start[rows, better]) - np.log(start[rows, better - 1])
        return table[:, :-1], table[:, -1] + before

    def to_bytes(self) -> bytes:
        return self._booster.model_to_string().encode()

    def _score_of_table(self, design: Floats) -> Floats:
        return np.asarray(self._booster.predict(design, raw_score=True, num_threads=self._threads))

    def _as_arrays(self) -> Forest:
        return forest_of_lightgbm(self._booster)


class _OrdinalLoss:
    """Log loss of the leaned baseline, for LightGBM: gradient and curvature by row, and the mean to watch."""

    def __init__(self, start: Floats, target: Ints) -> None:
        self._leaned = LeanedStart(start, target)

    def __call__(self, score: Floats, _data: lightgbm.Dataset) -> tuple[Floats, Floats]:
        pull, curvature = self._leaned.left_over(score)
        return -pull, curvature

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


BOOSTERS: dict[str, type[RegressionBooster] | type[ClassBooster]] = {
    "regression": RegressionBooster,
    "classes": ClassBooster,
}


def xgboost_params(spec: ModelSpec, threads: int) -> dict[str, object]:
    """The recipe in XGBoost's words, wherever it is trained."""
    # The baseline is the whole starting point: the library must not add an average of its own.
    return {**spec.params, "base_score": 0.0, "seed": spec.seed, "nthread": threads}


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
