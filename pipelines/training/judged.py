"""Judged rows: what a model and every baseline told them, beside what people then said."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from aurora.models.metrics import Bools, Floats, Ints, absolute_error, ranked_probability_score
from pipelines.training.fitting import Fitted
from pipelines.training.rows import TrainingRows

MODEL: Final = "model"
SERVED: Final = "served"
"""What people would have been told: the model, or the baseline where that served them better."""
NO_BASELINES: Final = frozenset({MODEL, SERVED})


@dataclass(frozen=True)
class Judged:
    """The rows that were judged (numbers into the training rows), and what each one was told.

    `answers` holds, for the model and for each baseline, one value per row (regression) or one probability
    per row and class; NaN where a baseline has no answer. Only rows whose person has a history are judged; the
    others are counted as `cold`.
    """

    rows: TrainingRows
    number: Ints
    answers: dict[str, Floats]
    cold: int

    @property
    def users(self) -> Ints:
        return self.rows.users[self.number]

    @property
    def observed(self) -> Floats | Ints:
        return self.rows.targets[self.number]

    @property
    def values(self) -> Floats:
        """What was rated, on the scale of the label."""
        return self.rows.values[self.number]

    def stated(self, name: str) -> Floats:
        """The answers on the scale of the label: the value, or the expected value of the classes."""
        answers = self.answers[name]
        return answers if answers.ndim == 1 else answers @ np.array(self.rows.spec.class_values)

    def loss(self, name: str) -> Floats:
        """What the gate compares, per row: absolute error, or ranked probability score."""
        if self.rows.spec.kind == "regression":
            return absolute_error(self.values, self.answers[name])
        return ranked_probability_score(self.rows.targets[self.number].astype(np.int64), self.answers[name])

    @property
    def baselines(self) -> tuple[str, ...]:
        """Those that have an answer to every judged row."""
        return tuple(name for name in self.answers if name not in NO_BASELINES and self.answered(name).all())

    def answered(self, name: str) -> Bools:
        """Of each judged row, whether it has an answer of this name."""
        answers = self.answers[name]
        return ~np.isnan(answers if answers.ndim == 1 else answers[:, 0])

    def best_baseline(self) -> str:
        """The baseline with the least loss, the mean taken over people."""
        _, place = np.unique(self.users, return_inverse=True)
        counts = np.bincount(place)

        def mean_loss(name: str) -> float:
            return float((np.bincount(place, weights=self.loss(name)) / counts).mean())

        return min(self.baselines, key=mean_loss)


@dataclass(frozen=True)
class HeldOut(Judged):
    """Judged in folds, in order of time, each by a model of its own."""

    fold: Ints
    spread: Floats
    rounds: tuple[int, ...]
    latest: Fitted
    """The model of the last fold, whose choices the final refit takes over."""
    without_history: Judged | None = None
    """The `cold` rows, which no model answers: what is told in its place, beside other guesses."""
