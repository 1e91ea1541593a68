"""Truth: what really made each rating, written down so that later claims can be checked against it.

One row per check-in that reached the log: the ratings and their event ids, the true states, the expected
rating, the class probabilities, every driver's contribution, and the causal state itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields

import numpy as np
import polars as pl

from pipelines.ingestion.simulator.causes import energy_contributions, mood_contributions
from pipelines.ingestion.simulator.ceiling import CLASSES, PROBABILITIES
from pipelines.ingestion.simulator.checkins import CheckIns
from pipelines.ingestion.simulator.people import Person
from pipelines.ingestion.simulator.places import Floats
from pipelines.ingestion.simulator.ratings import ENERGY, VALENCE, class_probabilities, mood_class
from pipelines.ingestion.simulator.records import rating_id
from pipelines.ingestion.simulator.states import State

POPULATION_ENERGY = 5.5
POPULATION_VALENCE = 0.2
"""What the baseline says of a person's very first rating."""


def truth_of(person: Person, checkins: CheckIns, forms: Sequence[str]) -> pl.DataFrame:
    """The truth of one person's check-ins."""
    probabilities = class_probabilities(checkins.valence_state)
    columns: dict[str, object] = {
        "user_id": [str(person.user_id)] * len(checkins),
        "persona": [person.persona] * len(checkins),
        "form_id": list(forms),
        "energy_event_id": [rating_id(form, "energy.rated") for form in forms],
        "mood_event_id": [rating_id(form, "mood.rated") for form in forms],
        "rated_at": pl.Series(checkins.at, dtype=pl.Int64),
        "energy": checkins.energy,
        "energy_state": checkins.energy_state,
        "energy_expected": ENERGY.mean_given(checkins.energy_state),
        "energy_mean_before": _mean_before(checkins.energy, POPULATION_ENERGY),
        "valence": checkins.valence,
        "valence_state": checkins.valence_state,
        "valence_expected": VALENCE.mean_given(checkins.valence_state),
        "valence_mean_before": _mean_before(checkins.valence, POPULATION_VALENCE),
        "mood_class": mood_class(checkins.valence),
        "mood_majority_before": _majority_before(mood_class(checkins.valence)),
        "stress": checkins.stress,
    }
    columns |= {name: probabilities[:, at] for at, name in enumerate(PROBABILITIES)}
    columns |= {f"energy_by_{name}": part for name, part in energy_contributions(checkins.state).items()}
    columns |= {f"mood_by_{name}": part for name, part in mood_contributions(checkins.state).items()}
    columns |= {f"state_{field.name}": getattr(checkins.state, field.name) for field in fields(State)}
    frame = pl.DataFrame(columns)
    return frame.with_columns(pl.from_epoch("rated_at", time_unit="s").dt.replace_time_zone("UTC"))


def state_of(truth: pl.DataFrame) -> State:
    """The causal states of rows of a truth table, for `true_effect`."""
    return State(**{field.name: truth[f"state_{field.name}"].to_numpy() for field in fields(State)})


def _mean_before(ratings: Floats, first: float) -> Floats:
    """The mean of the ratings given before each one."""
    if len(ratings) == 0:
        return ratings
    before = np.cumsum(ratings)[:-1] / np.arange(1, len(ratings))
    return np.concatenate([[first], before])


def _majority_before(classes: np.ndarray) -> np.ndarray:
    counts = np.cumsum(np.eye(CLASSES)[classes], axis=0) if len(classes) else np.zeros((0, CLASSES))
    return np.concatenate([[CLASSES // 2], counts[:-1].argmax(axis=1)])[: len(classes)]
