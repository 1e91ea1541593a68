"""Metrics: how far predictions lie from what people then said. The same names for a model and every baseline.

Regression: mae, rmse, r2 (pooled), r2_within and r_within (each person around the own mean). Classes:
accuracy, macro_f1, qwk (quadratic weighted kappa), within_1 (at most one class off), log_loss, rps (ranked
probability score, 0 is perfect). Both: calibration_error. Losses per row feed the comparison of two models.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]

LOWER_IS_BETTER = frozenset({"mae", "rmse", "log_loss", "rps", "calibration_error"})

_LEAST_PROBABILITY = 1e-6


def regression_metrics(observed: Floats, predicted: Floats, users: Ints) -> dict[str, float]:
    """Every regression metric. Without variation in what was observed, the R² and r are left out."""
    error = observed - predicted
    metrics = {"mae": float(np.abs(error).mean()), "rmse": float(np.sqrt((error**2).mean()))}
    total = float(((observed - observed.mean()) ** 2).sum())
    if total > 0:
        metrics["r2"] = 1 - float((error**2).sum()) / total
    own_total = float((centre_by_user(observed, users) ** 2).sum())
    if own_total > 0:
        metrics["r2_within"] = 1 - float((error**2).sum()) / own_total
    r_within = within_user_correlation(observed, predicted, users)
    if r_within is not None:
        metrics["r_within"] = r_within
    return metrics | {"calibration_error": _error_by_tenths(observed, predicted)}


def class_metrics(observed: Ints, probabilities: Floats) -> dict[str, float]:
    """Every metric of a forecast of ordered classes; `observed` are class numbers, rows of probabilities
    sum to 1.
    """
    count = probabilities.shape[1]
    predicted = probabilities.argmax(axis=1)
    chosen = np.clip(probabilities[np.arange(len(observed)), observed], _LEAST_PROBABILITY, 1)
    return {
        "accuracy": float((predicted == observed).mean()),
        "macro_f1": macro_f1(observed, predicted, count),
        "qwk": quadratic_weighted_kappa(observed, predicted, count),
        "within_1": float((np.abs(predicted - observed) <= 1).mean()),
        "log_loss": float(-np.log(chosen).mean()),
        "rps": float(ranked_probability_score(observed, probabilities).mean()),
        "calibration_error": _error_of_table(calibration_table(observed, probabilities)),
    }


def absolute_error(observed: Floats, predicted: Floats) -> Floats:
    """The loss of each row of a regression."""
    return np.abs(observed - predicted)


def ranked_probability_score(observed: Ints, probabilities: Floats) -> Floats:
    """The loss of each row of an ordered classification: squared distance of the cumulative distributions."""
    count = probabilities.shape[1]
    forecast = probabilities.cumsum(axis=1)[:, :-1]
    truth = (np.arange(count - 1)[None, :] >= observed[:, None]).astype(float)
    return ((forecast - truth) ** 2).sum(axis=1) / (count - 1)


def macro_f1(observed: Ints, predicted: Ints, count: int) -> float:
    """The mean F1 over the classes that were observed or predicted at all."""
    scores = []
    for label in range(count):
        hits = int(((observed == label) & (predicted == label)).sum())
        either = int((observed == label).sum() + (predicted == label).sum())
        if either:
            scores.append(2 * hits / either)
    return float(np.mean(scores)) if scores else 0.0


def quadratic_weighted_kappa(observed: Ints, predicted: Ints, count: int) -> float:
    """Agreement beyond chance, where a miss by two classes costs four times a miss by one."""
    seen = np.zeros((count, count))
    np.add.at(seen, (observed, predicted), 1)
    weight = (np.arange(count)[:, None] - np.arange(count)[None, :]) ** 2
    expected = np.outer(seen.sum(axis=1), seen.sum(axis=0)) / max(len(observed), 1)
    by_chance = float((weight * expected).sum())
    return 1 - float((weight * seen).sum()) / by_chance if by_chance > 0 else 0.0


def centre_by_user(values: Floats, users: Ints) -> Floats:
    """Each value less the mean of its user."""
    _, place = np.unique(users, return_inverse=True)
    counts = np.bincount(place)
    return values - (np.bincount(place, weights=values) / counts)[place]


def within_user_correlation(observed: Floats, predicted: Floats, users: Ints) -> float | None:
    """Correlation of what is left when each person's mean is taken out; None when nothing varies."""
    seen, told = centre_by_user(observed, users), centre_by_user(predicted, users)
    scale = float(np.sqrt((seen**2).sum() * (told**2).sum()))
    return float((seen * told).sum()) / scale if scale > 1e-12 else None


def calibration_table(
    observed: Ints, probabilities: Floats, bins: int = 10
) -> list[tuple[float, float, int]]:
    """Stated against observed probability, over all classes: (mean stated, share that came true, count) per
    bin.
    """
    stated = probabilities.ravel()
    came_true = np.eye(probabilities.shape[1])[observed].ravel()
    place = np.minimum((stated * bins).astype(int), bins - 1)
    return [
        (float(stated[place == b].mean()), float(came_true[place == b].mean()), int((place == b).sum()))
        for b in range(bins)
        if (place == b).any()
    ]


def mean_calibration_table(
    observed: Floats, predicted: Floats, width: float
) -> list[tuple[float, float, int]]:
    """Predicted against observed value: (mean predicted, mean observed, count) per step of `width` of the
    prediction.
    """
    place = np.floor(predicted / width).astype(np.int64)
    return [
        (
            float(predicted[place == step].mean()),
            float(observed[place == step].mean()),
            int((place == step).sum()),
        )
        for step in np.unique(place)
    ]


def _error_by_tenths(observed: Floats, predicted: Floats) -> float:
    """How far what came on average lies from what was said, by tenths of the predictions, the mean over rows."""
    edges = np.unique(np.quantile(predicted, np.arange(1, 10) / 10))
    place = np.searchsorted(edges, predicted, side="right")
    counts = np.bincount(place)
    off = np.abs(np.bincount(place, weights=observed - predicted))
    return float(off.sum() / counts.sum())


def _error_of_table(table: list[tuple[float, float, int]]) -> float:
    """How far what came lies from what was stated, the mean over all stated probabilities (the expected calibration
    error).
    """
    return sum(abs(stated - came) * count for stated, came, count in table) / sum(row[2] for row in table)
