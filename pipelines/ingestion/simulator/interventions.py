"""Interventions: what would have been different had one thing been done otherwise.

`true_effect` answers from a causal state, as a what-if would; `on_life` changes the life itself, so that
living it again can confirm the answer.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from pipelines.ingestion.simulator.causes import energy_of, valence_of
from pipelines.ingestion.simulator.lives import Life, Spells
from pipelines.ingestion.simulator.places import HOUR, Floats
from pipelines.ingestion.simulator.ratings import ENERGY, VALENCE, class_probabilities
from pipelines.ingestion.simulator.states import DEBT_NIGHTS, State, sleep_lost_to, stress_from_debt


class OnStates(Protocol):
    """One thing done otherwise, as far as a state tells it."""

    def on_state(self, state: State) -> State:
        """The state that would have been."""
        ...


class Intervention(OnStates, Protocol):
    """One thing done otherwise, in the life itself too."""

    def on_life(self, life: Life, night: int) -> Life:
        """The life in which it was done, around the sleep that ends on day `night`."""
        ...


@dataclass(frozen=True)
class Effect:
    """With minus without. Expected ratings: what a model that predicts ratings should answer."""

    energy: Floats
    valence: Floats
    energy_rating: Floats
    valence_rating: Floats
    class_probabilities: Floats


def true_effect(intervention: OnStates, state: State) -> Effect:
    """The true effect of an intervention in each of the given states."""
    changed = intervention.on_state(state)
    energy = energy_of(state), energy_of(changed)
    valence = valence_of(state), valence_of(changed)
    return Effect(
        energy=energy[1] - energy[0],
        valence=valence[1] - valence[0],
        energy_rating=ENERGY.mean_given(energy[1]) - ENERGY.mean_given(energy[0]),
        valence_rating=VALENCE.mean_given(valence[1]) - VALENCE.mean_given(valence[0]),
        class_probabilities=class_probabilities(valence[1]) - class_probabilities(valence[0]),
    )


@dataclass(frozen=True)
class SleepLonger:
    """Asleep for some hours more in the last night, by going to bed earlier."""

    hours: float = 1.0

    def on_state(self, state: State) -> State:
        return _slept(state, state.asleep_hours + self.hours, state.awake_minutes)

    def on_life(self, life: Life, night: int) -> Life:
        wanted = life.asleep_minutes()[night] + 60 * self.hours
        asleep_from = life.asleep_from.copy()
        asleep_from[night] -= int(self.hours * HOUR)
        earlier = replace(life, asleep_from=asleep_from)
        # Earlier to bed is also nearer to the last coffee; the night gains its full hours all the same.
        efficiency = earlier.efficiency.copy()
        efficiency[night] += (wanted - earlier.asleep_minutes()[night]) / earlier.in_bed_minutes[night]
        return replace(earlier, efficiency=efficiency)


@dataclass(frozen=True)
class NoLateCaffeine:
    """No coffee after 15:00 since the day before the last night."""

    def on_state(self, state: State) -> State:
        gained = sleep_lost_to(state.late_caffeine_at_bedtime)
        rested = _slept(state, state.asleep_hours + gained, state.awake_minutes - 60 * gained)
        return replace(
            rested, caffeine=state.caffeine - state.late_caffeine, late_caffeine=0 * state.caffeine
        )

    def on_life(self, life: Life, night: int) -> Life:
        coffees = life.coffees
        since, until = life.asleep_from[night] - 30 * HOUR, life.woken_at[night] + 24 * HOUR
        dropped = (coffees.kind > 0) & (coffees.starts > since) & (coffees.starts < until)
        return replace(life, coffees=replace(coffees, amount=np.where(dropped, 0.0, coffees.amount)))


@dataclass(frozen=True)
class Workout:
    """A training session that ended some hours ago."""

    minutes: float = 40.0
    exertion: float = 5.0
    hours_ago: float = 2.0

    def on_state(self, state: State) -> State:
        lift = (1 - np.exp(-self.minutes / 20)) * np.exp(-self.hours_ago / 2.5)
        return replace(
            state,
            load=state.load + self.minutes * self.exertion * np.exp(-self.hours_ago / 24),
            exercise_lift=state.exercise_lift + lift,
            weekly_minutes=state.weekly_minutes + self.minutes,
        )

    def on_life(self, life: Life, night: int) -> Life:
        """The session ends `hours_ago` before an instant six hours after waking."""
        ends = life.woken_at[night] + int((6 - self.hours_ago) * HOUR)
        old = life.workouts
        starts = np.append(old.starts, ends - int(self.minutes * 60))
        minutes = np.append(old.minutes, self.minutes)
        load = np.append(old.amount, self.minutes * self.exertion)
        return replace(life, workouts=Spells.of(starts, minutes, load, np.append(old.kind, self.exertion)))


def _slept(state: State, asleep_hours: Floats, awake_minutes: Floats) -> State:
    short_before = np.maximum(0.0, state.sleep_need - state.asleep_hours)
    short_after = np.maximum(0.0, state.sleep_need - asleep_hours)
    less_debt = (short_after - short_before) / DEBT_NIGHTS
    return replace(
        state,
        asleep_hours=asleep_hours,
        awake_minutes=np.maximum(awake_minutes, 0.0),
        sleep_debt=state.sleep_debt + less_debt,
        stress=state.stress + stress_from_debt(less_debt),
    )
