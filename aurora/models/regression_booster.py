"""XGBoost on numbers: it learns the residual to a baseline, which it is given as `base_margin`."""

from __future__ import annotations

from typing import Final

import numpy as np
import xgboost

from aurora.models.boosting import Fit, Trees, Trial
from aurora.models.catalogue import ModelSpec
from aurora.models.forest import Ensemble, trees_of_xgboost
from aurora.models.metrics import Floats, Ints

BINNED_FROM: Final = 100_000
"""So many rows tell where bins end: to sort all of a million takes the library a tenth of a training."""


class RegressionBooster(Trees):
    """XGBoost on the residual to a baseline."""

    def __init__(self, booster: xgboost.Booster, threads: int = 1) -> None:
        self._booster = booster
        booster.set_param({"nthread": threads})

    @classmethod
    def fit(
        cls, spec: ModelSpec, design: Floats, start: Floats, target: Floats, *, rounds: int, threads: int = 1
    ) -> Fit:
        """Train for exactly `rounds` rounds."""
        data = _binned(spec, design, start, target, threads)
        # As `xgboost.train` does, which forgets at its end what the booster says of the rows that it was trained on.
        booster = xgboost.Booster(xgboost_params(spec, threads), [data])
        for number in range(rounds):
            booster.update(data, number)
        scores = np.asarray(booster.predict(data, output_margin=True), dtype=np.float64) - start
        return Fit(cls(booster.reset(), threads), scores)

    @classmethod
    def tried(
        cls, spec: ModelSpec, design: Floats, start: Floats, target: Floats, *, judged: Ints, threads: int = 1
    ) -> Trial:
        """Train on all but the rows numbered `judged`, by as many rounds as do best on these."""
        rest = np.setdiff1d(np.arange(len(target)), judged)
        data = _binned(spec, design[rest], start[rest], target[rest], threads)
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

    def to_bytes(self) -> bytes:
        return bytes(self._booster.save_raw("ubj"))

    def _score_of_table(self, design: Floats) -> Floats:
        # Without a margin to start from: to hand one over takes the library longer than to answer.
        return self._booster.inplace_predict(design, predict_type="margin").astype(np.float64)

    def _shares_by_library(self, design: Floats) -> Floats:
        data = xgboost.DMatrix(design, nthread=1)
        return np.asarray(self._booster.predict(data, pred_contribs=True), dtype=np.float64)

    def _trees(self) -> Ensemble:
        return trees_of_xgboost(self._booster)


def _binned(
    spec: ModelSpec, design: Floats, start: Floats, target: Floats, threads: int
) -> xgboost.QuantileDMatrix:
    """The rows to train on. Of very many, an even sample says where the bins end, as LightGBM has it."""
    bins, like = int(spec.params["max_bin"]), None
    if len(design) > BINNED_FROM:
        sample = np.random.default_rng(spec.seed).choice(len(design), BINNED_FROM, replace=False)
        like = xgboost.QuantileDMatrix(design[np.sort(sample)], max_bin=bins, nthread=threads)
    return xgboost.QuantileDMatrix(design, target, base_margin=start, max_bin=bins, ref=like, nthread=threads)


def xgboost_params(spec: ModelSpec, threads: int) -> dict[str, object]:
    """The recipe in XGBoost's words, wherever it is trained."""
    # The baseline is the whole starting point: the library must not add an average of its own.
    return {**spec.params, "base_score": 0.0, "seed": spec.seed, "nthread": threads}
