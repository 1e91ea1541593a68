"""The causal model: its golden values, its personas, and its interventions against lives lived again."""

from __future__ import annotations

from dataclasses import fields
from datetime import date

import numpy as np
import polars as pl
import pytest

from pipelines.ingestion.simulator import (
    NoLateCaffeine,
    Simulation,
    SimulationSpec,
    SleepLonger,
    Workout,
    simulate,
    state_of,
    true_effect,
)
from pipelines.ingestion.simulator.causes import (
    energy_contributions,
    energy_of,
    mood_contributions,
    three_process_energy,
    valence_of,
)
from pipelines.ingestion.simulator.interventions import Intervention
from pipelines.ingestion.simulator.lives import Life
from pipelines.ingestion.simulator.people import draw_traits, streams_of
from pipelines.ingestion.simulator.schedules import draw_life
from pipelines.ingestion.simulator.states import state_at
from pipelines.ingestion.simulator.world import world_of

SPEC = SimulationSpec(users=40, days=60, seed=7, ends_on=date(2026, 11, 22))


@pytest.fixture(scope="module")
def simulation() -> Simulation:
    return simulate(SPEC)


def a_life(index: int) -> Life:
    streams = streams_of(SPEC, index)
    return draw_life(draw_traits(index, streams.traits), world_of(SPEC), streams.life)


@pytest.mark.parametrize(("slept", "energy"), [(8.0, 6.66), (6.0, 6.09), (4.0, 5.05)])
def test_three_process_energy_has_its_golden_values(slept: float, energy: float) -> None:
    value = three_process_energy(np.array([slept]), np.array([3.0]), np.array([10.0]))

    assert value[0] == pytest.approx(energy, abs=0.005)


def test_contributions_add_up_to_the_state(simulation: Simulation) -> None:
    state = state_of(simulation.truth)
    energy = state.energy_mean + sum(energy_contributions(state).values())
    valence = state.valence_mean + sum(mood_contributions(state).values())
    ordinary = (energy > 0.2) & (energy < 9.8)

    assert energy[ordinary] == pytest.approx(simulation.truth["energy_state"].to_numpy()[ordinary])
    assert np.clip(valence, -0.97, 0.97) == pytest.approx(simulation.truth["valence_state"].to_numpy())


def test_personas_differ_as_described(simulation: Simulation) -> None:
    means = {
        row["persona"]: row
        for row in simulation.truth.group_by("persona")
        .agg(pl.col("^(state_.*|energy|valence)$").mean())
        .to_dicts()
    }
    regular = means["regular"]

    assert means["short_sleeper"]["state_asleep_hours"] < regular["state_asleep_hours"] - 1
    assert means["short_sleeper"]["energy"] < regular["energy"]
    assert means["weekend_catch_up"]["state_sleep_debt"] > regular["state_sleep_debt"]
    assert means["athlete"]["state_load"] > 3 * regular["state_load"]
    assert means["new_parent"]["state_awake_minutes"] > 1.5 * regular["state_awake_minutes"]
    assert means["high_stress"]["state_stress"] > regular["state_stress"] + 1
    assert means["high_stress"]["valence"] < regular["valence"]
    assert means["mindful"]["state_meditation"] > 5 * regular["state_meditation"]


def test_weekend_catch_up_sleeps_longer_on_free_days(simulation: Simulation) -> None:
    slept = (
        simulation.truth.filter(pl.col("persona") == "weekend_catch_up")
        .group_by("state_weekend")
        .agg(pl.col("state_asleep_hours").mean())
    )
    hours = dict(slept.iter_rows())

    assert hours[1.0] > hours[0.0] + 1.5


def test_shift_workers_sleep_at_changing_hours_and_night_owls_late() -> None:
    shift, owl, regular = (a_life(index) for index in (2, 6, 0))

    def middles(life: Life) -> np.ndarray:
        middle = (life.asleep_from + life.woken_at) // 2
        return ((middle + life.calendar.offset_at(middle)) / 3600 + 12) % 24 - 12

    assert middles(shift).std() > 2 * middles(regular).std()
    assert np.median(middles(owl)) > np.median(middles(regular)) + 1.5


@pytest.mark.parametrize(
    "intervention",
    [SleepLonger(1.0), NoLateCaffeine(), Workout(minutes=45, exertion=5, hours_ago=2)],
    ids=["an hour more sleep", "no late caffeine", "a workout"],
)
@pytest.mark.parametrize("index", [1, 7, 12])
def test_true_effect_is_what_living_again_gives(intervention: Intervention, index: int) -> None:
    life = a_life(index)
    differences = []
    for night in range(20, 50, 3):
        at = life.woken_at[[night]] + 6 * 3600
        lived, again = state_at(life, at), state_at(intervention.on_life(life, night), at)
        effect = true_effect(intervention, lived)
        differences.append(
            [
                effect.energy[0] - (energy_of(again) - energy_of(lived))[0],
                10 * (effect.valence[0] - (valence_of(again) - valence_of(lived))[0]),
            ]
        )

    assert np.abs(differences).max() < 0.05


def test_interventions_point_the_way_the_evidence_does(simulation: Simulation) -> None:
    state = state_of(simulation.truth)
    late = simulation.truth["state_late_caffeine_at_bedtime"].to_numpy() > 20

    assert true_effect(SleepLonger(1.0), state).energy.min() >= 0
    assert 0.1 < true_effect(SleepLonger(1.0), state).energy.mean() < 0.8
    assert true_effect(Workout(40, 5, 1.0), state).energy.mean() > 0
    assert true_effect(Workout(90, 9, 20.0), state).energy.mean() < 0
    morning = late & (simulation.truth["state_late_caffeine"].to_numpy() < 8)
    assert true_effect(NoLateCaffeine(), state).energy[morning].mean() > 0


def test_an_effect_on_class_probabilities_sums_to_nothing(simulation: Simulation) -> None:
    effect = true_effect(SleepLonger(2.0), state_of(simulation.truth.head(50)))

    assert effect.class_probabilities.sum(axis=1) == pytest.approx(0, abs=1e-12)


def test_the_saved_truth_holds_every_field_of_the_state(simulation: Simulation) -> None:
    state = state_of(simulation.truth)

    assert all(np.isfinite(getattr(state, field.name)).all() for field in fields(state))
