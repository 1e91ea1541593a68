"""Ceilings: the best scores any model could reach on these ratings, and what the simplest one reaches.

The ceiling is the score of the true distribution given the full causal state, latent parts included. What
remains is rating noise. skill = (baseline − model) ÷ (baseline − ceiling), errors or 1 − score alike.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from pipelines.ingestion.simulator.places import Floats
from pipelines.ingestion.simulator.ratings import ENERGY, MOOD_CLASSES, mood_class

Indices = NDArray[np.int64]
CLASSES = len(MOOD_CLASSES)
PROBABILITIES = tuple(f"p_{name}" for name in MOOD_CLASSES)

TARGETS: Mapping[str, float] = {
    "energy_mae": 1.0,
    "energy_r2": 0.75,
    "mood_accuracy": 0.70,
    "mood_macro_f1": 0.68,
}
"""What the product asks for; the MAE from below, the others from above."""


@dataclass(frozen=True)
class Scores:
    """Scores of one set of answers on one set of ratings."""

    energy_mae: float
    energy_r2: float
    energy_r2_within: float
    """Share of the variance about each person's own mean."""
    mood_accuracy: float
    mood_macro_f1: float
    mood_accuracy_by_person: float
    """Mean over people of each one's accuracy."""
    mood_macro_f1_best: float | None = None
    """The best macro-F1, by a decision that favours rare classes at the cost of accuracy."""


@dataclass(frozen=True)
class Ceiling:
    """Best attainable scores beside the user-mean baseline's, on the same ratings."""

    ratings: int
    attainable: Scores
    """The true mean and classes scored on the ratings that were given."""
    expected: Scores
    """The same in expectation over rating noise, by formula."""
    baseline: Scores
    """The mean of the person's own earlier ratings (mood: the class of the mean valence)."""
    majority: float
    """Accuracy of each person's most frequent class so far."""

    def as_record(self) -> dict[str, Any]:
        return asdict(self) | {"targets": dict(TARGETS), "verdicts": self.verdicts()}

    def verdicts(self) -> list[str]:
        """One sentence per target: can it be reached here at all?"""
        sentences = []
        for name, target in TARGETS.items():
            best = float(getattr(self.attainable, name))
            lower_is_better = name.endswith("mae")
            reachable = best < target if lower_is_better else best > target
            sign = "<" if lower_is_better else ">"
            verdict = "within reach" if reachable else "OUT OF REACH: the ceiling lies below the target"
            if lower_is_better and not reachable:
                verdict = "OUT OF REACH: even the truth errs by more"
            sentences.append(f"{name}: target {sign} {target:.2f}, best attainable {best:.3f}: {verdict}")
        return sentences

    def skill(self, name: str, value: float) -> float:
        """Share of the way from baseline to ceiling that a score covers."""
        base, best = float(getattr(self.baseline, name)), float(getattr(self.attainable, name))
        return (base - value) / (base - best)


def ceiling_of(truth: pl.DataFrame) -> Ceiling:
    """The ceiling on the rows of a truth table: all of them, or those of one model's test set."""
    people = truth["user_id"].rank("dense").to_numpy().astype(np.int64) - 1
    energy, mean = _column(truth, "energy"), _column(truth, "energy_expected")
    labels = mood_class(_column(truth, "valence"))
    probabilities = truth.select(PROBABILITIES).to_numpy()
    best = probabilities.argmax(axis=1)
    rare = best_for_macro_f1(probabilities)
    attainable = _scores(energy, mean, labels, best, people, f1_best=_macro_f1(labels, rare))
    guess = _column(truth, "energy_mean_before")
    guessed_class = mood_class(_column(truth, "valence_mean_before"))
    frequent = truth["mood_majority_before"].to_numpy()
    return Ceiling(
        ratings=len(truth),
        attainable=attainable,
        expected=_expected(truth, mean, probabilities, best, rare, people),
        baseline=_scores(energy, guess, labels, guessed_class, people),
        majority=float((frequent == labels).mean()),
    )


def best_for_macro_f1(probabilities: Floats) -> Indices:
    """The decision of highest expected macro-F1: arg-max after weighting the classes, weights by ascent."""
    weights = np.ones(CLASSES)
    best, best_score = probabilities.argmax(axis=1), -1.0
    best_score = _expected_macro_f1(probabilities, best)
    for step in (1.3, 1.1, 1.04):
        improved = True
        while improved:
            improved = False
            for at in range(CLASSES):
                for factor in (step, 1 / step):
                    tried = weights.copy()
                    tried[at] *= factor
                    chosen = (probabilities * tried).argmax(axis=1)
                    score = _expected_macro_f1(probabilities, chosen)
                    if score > best_score + 1e-5:
                        weights, best, best_score, improved = tried, chosen, score, True
    return best


def _expected_macro_f1(probabilities: Floats, chosen: Indices) -> float:
    hits = np.bincount(chosen, probabilities[np.arange(len(chosen)), chosen], CLASSES).astype(float)
    return _mean_f1(hits, np.bincount(chosen, minlength=CLASSES).astype(float), probabilities.sum(axis=0))


def _macro_f1(labels: Indices, chosen: Indices) -> float:
    hits = np.bincount(labels[labels == chosen], minlength=CLASSES).astype(float)
    counts = [np.bincount(of, minlength=CLASSES).astype(float) for of in (chosen, labels)]
    return _mean_f1(hits, *counts)


def _mean_f1(hits: Floats, chosen: Floats, actual: Floats) -> float:
    """Mean F1 over the classes that occur in either."""
    total = chosen + actual
    return float((2 * hits[total > 0] / total[total > 0]).mean())


def _scores(
    energy: Floats,
    guess: Floats,
    labels: Indices,
    chosen: Indices,
    people: Indices,
    f1_best: float | None = None,
) -> Scores:
    squares = ((energy - guess) ** 2).sum()
    right = (labels == chosen).astype(float)
    return Scores(
        energy_mae=float(np.abs(energy - guess).mean()),
        energy_r2=float(1 - squares / ((energy - energy.mean()) ** 2).sum()),
        energy_r2_within=float(1 - squares / (_within(energy, people) ** 2).sum()),
        mood_accuracy=float(right.mean()),
        mood_macro_f1=_macro_f1(labels, chosen),
        mood_accuracy_by_person=float((np.bincount(people, right) / np.bincount(people)).mean()),
        mood_macro_f1_best=f1_best,
    )


def _expected(
    truth: pl.DataFrame,
    mean: Floats,
    probabilities: Floats,
    best: Indices,
    rare: Indices,
    people: Indices,
) -> Scores:
    states = _column(truth, "energy_state")
    noise = ENERGY.variance_given(states).sum()
    right = probabilities.max(axis=1)
    return Scores(
        energy_mae=float(ENERGY.absolute_error_given(states, mean).mean()),
        energy_r2=float(1 - noise / (noise + ((mean - mean.mean()) ** 2).sum())),
        energy_r2_within=float(1 - noise / (noise + (_within(mean, people) ** 2).sum())),
        mood_accuracy=float(right.mean()),
        mood_macro_f1=_expected_macro_f1(probabilities, best),
        mood_accuracy_by_person=float((np.bincount(people, right) / np.bincount(people)).mean()),
        mood_macro_f1_best=_expected_macro_f1(probabilities, rare),
    )


def _within(values: Floats, people: Indices) -> Floats:
    return values - (np.bincount(people, values) / np.bincount(people))[people]


def _column(truth: pl.DataFrame, name: str) -> Floats:
    return truth[name].to_numpy().astype(float)
