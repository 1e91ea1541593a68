"""Check-ins: when a person is asked and answers, and what the answers are."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipelines.ingestion.simulator.causes import energy_of, stress_of, valence_of
from pipelines.ingestion.simulator.lives import Life
from pipelines.ingestion.simulator.places import Floats, Seconds
from pipelines.ingestion.simulator.ratings import ENERGY, STRESS, VALENCE
from pipelines.ingestion.simulator.states import State, state_at

MOMENTS = (0.08, 0.36, 0.64, 0.89)
"""Shares of the waking day at which the app asks."""
STRESS_ASKED = 0.7


@dataclass(frozen=True)
class CheckIns:
    """One person's answered check-ins, in order of time."""

    at: Seconds
    state: State
    energy_state: Floats
    valence_state: Floats
    energy: Floats
    valence: Floats
    stress: Floats
    """NaN where the form did not ask."""

    def __len__(self) -> int:
        return len(self.at)

    def keep(self, rows: NDArray[np.bool_]) -> CheckIns:
        return CheckIns(
            self.at[rows],
            self.state.take(rows),
            self.energy_state[rows],
            self.valence_state[rows],
            self.energy[rows],
            self.valence[rows],
            self.stress[rows],
        )


def draw_checkins(life: Life, stream: np.random.Generator) -> CheckIns:
    """Ask and answer on every waking day. Every moment draws its numbers, asked or not: a change of a life
    changes the ratings through their state alone, never through another share of the luck."""
    days = len(life.calendar) - 1
    day = np.repeat(np.arange(days), len(MOMENTS))
    share = np.tile(MOMENTS, days) + stream.normal(0, 0.035, len(day))
    answered = stream.random(len(day)) < life.traits.checkins_a_day / len(MOMENTS) * life.traits.diligence
    asks_stress = stream.random(len(day)) < STRESS_ASKED
    span = life.asleep_from[day + 1] - life.woken_at[day]
    at = life.woken_at[day] + (np.clip(share, 0.03, 0.97) * span).astype(np.int64)
    state = state_at(life, at)
    energy_state, valence_state = energy_of(state), valence_of(state)
    asked = CheckIns(
        at=at,
        state=state,
        energy_state=energy_state,
        valence_state=valence_state,
        energy=ENERGY.rate(energy_state, stream),
        valence=VALENCE.rate(valence_state, stream),
        stress=np.where(asks_stress, STRESS.rate(stress_of(state), stream), np.nan),
    )
    return asked.keep(answered)
