"""People: who lives a simulated life. Traits persist; what happens to a person is in `lives.py`."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any
from uuid import UUID

import numpy as np

from pipelines.ingestion.simulator.personas import Persona, persona_of
from pipelines.ingestion.simulator.places import PLACES, Place
from pipelines.ingestion.simulator.specification import SimulationSpec


@dataclass(frozen=True)
class Person:
    """One simulated person as the world knows them: no name, no address."""

    user_id: UUID
    username: str
    tz: str
    persona: str
    cohort: str
    index: int

    def as_record(self) -> dict[str, Any]:
        return asdict(self) | {"user_id": str(self.user_id)}


@dataclass(frozen=True)
class Traits:
    """What stays the same in a person. Nobody records it; a person's history reveals it."""

    persona: Persona
    place: Place
    chronotype: float
    """Hours later than the persona's usual bedtime."""
    sleep_need: float
    energy_mean: float
    valence_mean: float
    stress_mean: float
    sleep_sensitivity: float
    stress_sensitivity: float
    social_sensitivity: float
    checkins_a_day: float
    diligence: float
    """Probability that a planned check-in is answered."""
    resting_bpm: float
    rmssd_ms: float
    weight_kg: float
    takes_medication: bool
    logs_drinking: bool
    shares_screen_time: bool
    shares_calendar: bool


@dataclass(frozen=True)
class Streams:
    """Independent sources of randomness of one person, so that changing one part leaves the others alone."""

    traits: np.random.Generator
    life: np.random.Generator
    ratings: np.random.Generator
    records: np.random.Generator


def streams_of(spec: SimulationSpec, index: int) -> Streams:
    """The person's own streams: child `index` of the seed, whatever the number of people."""
    child = np.random.SeedSequence(spec.seed, spawn_key=(index,))
    return Streams(*(np.random.default_rng(part) for part in child.spawn(4)))


def draw_traits(index: int, stream: np.random.Generator) -> Traits:
    """Between-person differences: kind of life plus individual spread."""
    persona = persona_of(index)
    normal = stream.normal
    return Traits(
        persona=persona,
        place=PLACES[int(stream.integers(len(PLACES)))],
        chronotype=float(np.clip(normal(0, 0.6), -1.5, 1.5)),
        sleep_need=float(np.clip(normal(7.9, 0.3), 7.0, 8.8)),
        energy_mean=float(np.clip(normal(6.7 + persona.energy_shift, 0.8), 3.5, 8.8)),
        valence_mean=float(np.clip(normal(0.37 + persona.valence_shift, 0.17), -0.4, 0.75)),
        stress_mean=float(np.clip(normal(persona.stress_mean, 0.7), 0.8, 8.0)),
        sleep_sensitivity=float(np.exp(normal(0, 0.1))),
        stress_sensitivity=float(np.exp(normal(0, 0.1))),
        social_sensitivity=float(np.exp(normal(0, 0.1))),
        checkins_a_day=float(np.clip(normal(3.1, 0.4), 2.2, 4.0)),
        diligence=float(stream.beta(22, 3)),
        resting_bpm=float(np.clip(normal(61 - 1.2 * persona.workouts_per_week, 5), 40, 82)),
        rmssd_ms=float(np.exp(normal(np.log(36 + 2.5 * persona.workouts_per_week), 0.3))),
        weight_kg=float(np.clip(normal(74, 12), 46, 130)),
        takes_medication=bool(stream.random() < 0.15),
        logs_drinking=bool(stream.random() < 0.25),
        shares_screen_time=bool(stream.random() < 0.4),
        shares_calendar=bool(stream.random() < 0.3),
    )


def person_of(spec: SimulationSpec, index: int, traits: Traits) -> Person:
    return Person(
        user_id=spec.user_id(index),
        username=f"{traits.persona.name.replace('_', '-')}-s{spec.seed}-{index:04d}",
        tz=traits.place.tz,
        persona=traits.persona.name,
        cohort=spec.cohort,
        index=index,
    )
