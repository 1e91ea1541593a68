"""Baselines: what a person of sense would guess without a model. They are always shown beside it.

Each answers for a moment from the person's own labels that were known by then, exactly as a feature would:
an earlier label that became known later does not count, nor does the label itself.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from aurora.models.metrics import Floats, Ints

DAY_SECONDS = 86_400.0

REGRESSION_BASELINES = ("global_mean", "user_mean", "user_median", "last", "mean_7d")
CLASS_BASELINES = ("majority", "user_majority", "last", "majority_of_last_7")


def regression_baselines(
    *, users: Ints, as_of: Floats, known_at: Floats, values: Floats, rows: Ints, global_mean: float
) -> dict[str, Floats]:
    """Baselines of the rows numbered `rows`. Times are seconds; every label of the users must be among the
    arrays.

    Where a person has no label yet, the global mean of the training rows answers.
    """
    answers = {name: np.full(len(rows), global_mean) for name in REGRESSION_BASELINES}
    for place, moment, times, history in _histories(users, as_of, known_at, values, rows):
        answers["user_mean"][place] = history.mean()
        answers["user_median"][place] = np.median(history)
        answers["last"][place] = history[-1]
        week = history[times >= moment - 7 * DAY_SECONDS]
        answers["mean_7d"][place] = week.mean() if len(week) else history.mean()
    return answers


def class_baselines(
    *, users: Ints, as_of: Floats, known_at: Floats, classes: Ints, rows: Ints, count: int, majority: int
) -> dict[str, Floats]:
    """Baselines of ordered classes as certain forecasts: a row per entry of `rows`, a column per class."""
    guesses = {name: np.full(len(rows), majority, dtype=np.int64) for name in CLASS_BASELINES}
    for place, _, _, history in _histories(users, as_of, known_at, classes.astype(float), rows):
        labels = history.astype(np.int64)
        guesses["user_majority"][place] = _most_frequent(labels, count)
        guesses["last"][place] = labels[-1]
        guesses["majority_of_last_7"][place] = _most_frequent(labels[-7:], count)
    return {name: np.eye(count)[guess] for name, guess in guesses.items()}


def _most_frequent(labels: Ints, count: int) -> int:
    """The most frequent label; of equally frequent ones the latest."""
    frequency = np.bincount(labels, minlength=count)
    best = np.flatnonzero(frequency == frequency.max())
    return next(int(label) for label in labels[::-1] if label in best)


def _histories(
    users: Ints, as_of: Floats, known_at: Floats, values: Floats, rows: Ints
) -> Iterator[tuple[int, float, Floats, Floats]]:
    """For each asked row with a history: its place in `rows`, its moment, and the labels known by then."""
    by_user: dict[int, Ints] = {}
    order = np.lexsort((known_at, as_of, users))
    borders = np.flatnonzero(np.diff(users[order])) + 1
    for group in np.split(order, borders):
        if len(group):
            by_user[int(users[group[0]])] = group
    for place, row in enumerate(rows):
        group = by_user[int(users[row])]
        known = group[(as_of[group] < as_of[row]) & (known_at[group] <= as_of[row])]
        if len(known):
            yield place, float(as_of[row]), as_of[known], values[known]
