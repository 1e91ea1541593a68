"""Who is served by the baseline: the people for whom it was clearly better than the model on their recent days.

The gate judges the model. What people are told is the model or, for these people, the baseline; a run reports both.
"""

from __future__ import annotations

import numpy as np

from aurora.models.baselines import DAY_SECONDS
from aurora.models.lift import people_better_served
from aurora.models.metrics import Bools, Floats, Ints
from pipelines.training.judged import MODEL, HeldOut

RECENT_DAYS = 28


def better_served_by_the_baseline(held_out: HeldOut, until: float, among: Bools | None = None) -> Ints:
    """The people whom the baseline served clearly better on the last days before `until` (seconds), by the judged rows
    in `among`, or all of them.
    """
    recent = held_out.rows.as_of[held_out.number] > until - RECENT_DAYS * DAY_SECONDS
    pick = recent if among is None else recent & among
    baseline = held_out.loss(held_out.rows.spec.baseline_name)
    return people_better_served(baseline[pick], held_out.loss(MODEL)[pick], held_out.users[pick])


def served_answers(held_out: HeldOut) -> Floats:
    """What each judged row would have been told: whom the baseline serves is decided by earlier folds, as far as they
    were known then. In the first fold it is nobody.
    """
    spec, number = held_out.rows.spec, held_out.number
    served, baseline = held_out.answers[MODEL].copy(), held_out.answers[spec.baseline_name]
    for fold in np.unique(held_out.fold):
        now = held_out.fold == fold
        begins = float(held_out.rows.as_of[number[now]].min())
        known = (held_out.fold < fold) & (held_out.rows.known_at[number] <= begins)
        left = now & np.isin(held_out.users, better_served_by_the_baseline(held_out, begins, known))
        served[left] = baseline[left]
    return served
