"""The two native boosters behind one small interface: fit, answer, explain, to and from bytes.

XGBoost learns the residual to a baseline given as `base_margin`; LightGBM learns class scores on top of the
log of baseline shares given as `init_score`. Plain `predict` of either library forgets where it started:
nothing outside this module calls it. TreeSHAP contributions are exact: they sum, with the base, to the raw
answer.
"""

from __future__ import annotations

from typing import Protocol

import lightgbm
import numpy as np
import xgboost

from aurora.models.catalogue import ModelSpec
from aurora.models.design import softmax
from aurora.models.metrics import Floats, Ints


class Booster(Protocol):
    """A trained booster. `start` is the baseline: one value per row, or one share per row and class."""

    def answer(self, design: Floats, start: Floats) -> Floats:
        """The final answer: one value per row, or one probability per row and class."""
        ...

    def contributions(self, design: Floats, start: Floats) -> tuple[Floats, Floats]:
        """Raw contributions and the base they start from.

        Regression: (rows × columns, rows), in units of the target. Classes: (rows × classes × columns,
        rows × classes), in log-odds. Base plus contributions is the raw answer.
        """
        ...

    def to_bytes(self) -> bytes: ...


class RegressionBooster:
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
        return cls(xgboost.train(_xgboost_params(spec, threads), data, rounds), threads)

    @classmethod
    def best_rounds(
        cls, spec: ModelSpec, design: Floats, start: Floats, target: Floats, *, judged: Ints, threads: int = 1
    ) -> int:
        """How many rounds do best on the rows numbered `judged`, trained on the others."""
        rest = np.setdiff1d(np.arange(len(target)), judged)
        data = xgboost.DMatrix(design[rest], target[rest], base_margin=start[rest], nthread=threads)
        watched = xgboost.DMatrix(design[judged], target[judged], base_margin=start[judged], nthread=threads)
        booster = xgboost.train(
            _xgboost_params(spec, threads) | {"eval_metric": "mae"},
            data,
            spec.max_rounds,
            evals=[(watched, "judged")],
            early_stopping_rounds=spec.patience_rounds,
            verbose_eval=False,
        )
        return booster.best_iteration + 1

    @classmethod
    def from_bytes(cls, body: bytes, threads: int = 1) -> RegressionBooster:
        booster = xgboost.Booster()
        booster.load_model(bytearray(body))
        return cls(booster, threads)

    def answer(self, design: Floats, start: Floats) -> Floats:
        return np.asarray(self._booster.inplace_predict(design, base_margin=start), dtype=np.float64)

    def contributions(self, design: Floats, start: Floats) -> tuple[Floats, Floats]:
        data = xgboost.DMatrix(design, base_margin=start, nthread=1)
        table = np.asarray(self._booster.predict(data, pred_contribs=True), dtype=np.float64)
        return table[:, :-1], table[:, -1]

    def to_bytes(self) -> bytes:
        return bytes(self._booster.save_raw("ubj"))


class ClassBooster:
    """LightGBM on the log of baseline class shares."""

    def __init__(self, booster: lightgbm.Booster, threads: int = 1) -> None:
        self._booster = booster
        self._threads = threads

    @classmethod
    def fit(
        cls, spec: ModelSpec, design: Floats, start: Floats, target: Ints, *, rounds: int, threads: int = 1
    ) -> ClassBooster:
        """Train for exactly `rounds` rounds."""
        data = lightgbm.Dataset(design, target, init_score=np.log(start).ravel(order="F"))
        return cls(lightgbm.train(_lightgbm_params(spec, threads), data, rounds), threads)

    @classmethod
    def best_rounds(
        cls, spec: ModelSpec, design: Floats, start: Floats, target: Ints, *, judged: Ints, threads: int = 1
    ) -> int:
        """How many rounds do best on the rows numbered `judged`, trained on the others."""
        rest = np.setdiff1d(np.arange(len(target)), judged)
        data = lightgbm.Dataset(design[rest], target[rest], init_score=np.log(start[rest]).ravel(order="F"))
        watched = data.create_valid(
            design[judged], target[judged], init_score=np.log(start[judged]).ravel(order="F")
        )
        booster = lightgbm.train(
            _lightgbm_params(spec, threads) | {"metric": "multi_logloss"},
            data,
            spec.max_rounds,
            valid_sets=[watched],
            callbacks=[lightgbm.early_stopping(spec.patience_rounds, verbose=False)],
        )
        return max(booster.best_iteration, 1)

    @classmethod
    def from_bytes(cls, body: bytes, threads: int = 1) -> ClassBooster:
        return cls(lightgbm.Booster(model_str=body.decode()), threads)

    def answer(self, design: Floats, start: Floats) -> Floats:
        raw = np.asarray(self._booster.predict(design, raw_score=True, num_threads=self._threads))
        return softmax(raw + np.log(start))

    def contributions(self, design: Floats, start: Floats) -> tuple[Floats, Floats]:
        table = np.asarray(self._booster.predict(design, pred_contrib=True, num_threads=self._threads))
        table = table.reshape(len(design), start.shape[1], design.shape[1] + 1)
        return table[:, :, :-1], table[:, :, -1] + np.log(start)

    def to_bytes(self) -> bytes:
        return self._booster.model_to_string().encode()


BOOSTERS: dict[str, type[RegressionBooster] | type[ClassBooster]] = {
    "regression": RegressionBooster,
    "classes": ClassBooster,
}


def _xgboost_params(spec: ModelSpec, threads: int) -> dict[str, object]:
    # The baseline is the whole starting point: the library must not add an average of its own.
    return {**spec.params, "base_score": 0.0, "seed": spec.seed, "nthread": threads}


def _lightgbm_params(spec: ModelSpec, threads: int) -> dict[str, object]:
    return {
        **spec.params,
        "num_class": len(spec.classes),
        "boost_from_average": False,
        "seed": spec.seed,
        "deterministic": True,
        "force_row_wise": True,
        "num_threads": threads,
        "verbose": -1,
    }
