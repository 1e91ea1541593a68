"""Causes: how a state makes energy and mood. The truth of the simulated world, in one place.

`docs/simulator.md` names the source of each effect size. Energy is on 0–10, valence on −1…1; a
contribution is in the unit of its outcome, so contributions and persistent mean add up.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from pipelines.ingestion.simulator.places import Floats
from pipelines.ingestion.simulator.states import State

ENERGY_RANGE = (0.2, 9.8)
VALENCE_RANGE = (-0.97, 0.97)


def three_process_energy(asleep_hours: Floats, hours_awake: Floats, clock_hour: Floats) -> Floats:
    """Energy by the Three-Process Model of alertness (Åkerstedt et al., 2004), not yet clipped."""
    break_after = (12.2 - 7.96) / (0.3814 * (14.3 - 12.2))
    rising = 7.96 + 0.3814 * (14.3 - 12.2) * asleep_hours
    levelling = 14.3 - (14.3 - 12.2) * np.exp(-0.3814 * np.maximum(asleep_hours - break_after, 0))
    at_waking = np.where(asleep_hours < break_after, rising, levelling)
    homeostatic = 2.4 + (at_waking - 2.4) * np.exp(-0.0353 * hours_awake)
    circadian = 2.5 * np.cos(2 * np.pi * (clock_hour - 16.8) / 24)
    ultradian = -0.5 + 0.5 * np.cos(2 * np.pi * (clock_hour - 19.8) / 12)
    inertia = -5.72 * np.exp(-1.51 * hours_awake)
    sleepiness = 10.6 - 0.6 * (homeostatic + circadian + ultradian + inertia)
    return 10 * (9 - sleepiness) / 8


def energy_contributions(state: State) -> Mapping[str, Floats]:
    """What each driver adds to energy, relative to a rested, unhurried, ordinary moment."""
    rhythm = three_process_energy(state.asleep_hours, state.hours_awake, state.clock_hour)
    return {
        "sleep_and_rhythm": state.sleep_sensitivity * (rhythm - 6.0),
        "sleep_debt": -0.55 * state.sleep_sensitivity * state.sleep_debt,
        "broken_sleep": -0.006 * np.maximum(0.0, state.awake_minutes - 35),
        "nap": 0.5 * state.nap,
        "load": -0.35 * state.load / 300.0,
        "exercise": 0.8 * np.minimum(state.exercise_lift, 1.2),
        "fitness": 0.4 * (1 - np.exp(-state.weekly_minutes / 150.0)),
        "work": -0.13 * state.work_hours,
        "caffeine": 1.0 - np.exp(-state.caffeine / 100.0),
        "alcohol": -0.022 * state.alcohol_before - 0.008 * state.alcohol_now,
        "social": 0.6 * state.social_sensitivity * state.social,
        "hunger": -0.08 * state.hunger,
        "weather": 0.05 * (state.daylight - 12) - 0.15 * state.wet - 0.015 * state.discomfort,
        "stress": -0.22 * state.stress_sensitivity * (stress_of(state) - 4.0),
        "drift": state.energy_drift,
    }


def mood_contributions(state: State) -> Mapping[str, Floats]:
    """What each driver adds to valence."""
    vigour = np.clip(energy_of(state) - 6.0, -5, 4)
    return {
        "vigour": 0.085 * vigour,
        "stress": -0.085 * state.stress_sensitivity * (stress_of(state) - 4.0),
        "social": 0.28 * state.social_sensitivity * state.social,
        "isolation": -0.12 * state.social_sensitivity * state.isolation,
        "broken_sleep": -0.0012 * np.maximum(0.0, state.awake_minutes - 35),
        "work": -0.016 * state.work_hours,
        "weekend": 0.10 * state.weekend,
        "exercise": 0.15 * np.minimum(state.exercise_lift, 1.2),
        "alcohol": 0.06 * (1 - np.exp(-state.alcohol_now / 20.0)) - 0.0025 * state.alcohol_before,
        "weather": 0.006 * (state.daylight - 12) + 0.04 * (0.5 - state.cloud) - 0.04 * state.wet,
        "meditation": 0.08 * state.meditation,
        "drift": state.valence_drift,
    }


def stress_of(state: State) -> Floats:
    """The stress that is felt, before it is rated."""
    return np.clip(state.stress, 0.0, 10.0)


def energy_of(state: State) -> Floats:
    """The energy that a state makes, before it is rated."""
    total = state.energy_mean + sum(energy_contributions(state).values())
    return np.clip(total, *ENERGY_RANGE)


def valence_of(state: State) -> Floats:
    """The valence that a state makes, before it is rated."""
    total = state.valence_mean + sum(mood_contributions(state).values())
    return np.clip(total, *VALENCE_RANGE)
