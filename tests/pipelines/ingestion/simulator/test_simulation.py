"""The simulated world as a whole: the same for the same spec, its people independent of one another."""

from __future__ import annotations

from datetime import date

from pipelines.ingestion.simulator import Simulation, SimulationSpec, simulate

SPEC = SimulationSpec(users=4, days=20, seed=11, ends_on=date(2026, 11, 8))


def envelopes(simulation: Simulation) -> list[object]:
    return [delivery.envelope for delivery in simulation.deliveries()]


def test_the_same_spec_gives_the_same_world() -> None:
    first, second = simulate(SPEC), simulate(SPEC)

    assert envelopes(first) == envelopes(second)
    assert first.truth.equals(second.truth)


def test_a_person_is_the_same_whatever_the_number_of_people() -> None:
    few = simulate(SimulationSpec(users=2, days=20, seed=11, ends_on=SPEC.ends_on))
    many = simulate(SPEC)

    assert few.records == many.records[:2]
    assert few.people == many.people[:2]
