"""Simulation: a whole population lived, recorded and rated; the library behind `aurora simulate`."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID

import numpy as np
import polars as pl

from pipelines.ingestion.simulator.ceiling import Ceiling, ceiling_of
from pipelines.ingestion.simulator.checkins import draw_checkins
from pipelines.ingestion.simulator.gaps import MISHAPS
from pipelines.ingestion.simulator.people import Person, draw_traits, person_of, streams_of
from pipelines.ingestion.simulator.personas import PERSONAS
from pipelines.ingestion.simulator.ratings import ENERGY, STRESS, VALENCE
from pipelines.ingestion.simulator.recording import record_life
from pipelines.ingestion.simulator.records import Record, envelope_of, told_until
from pipelines.ingestion.simulator.schedules import draw_life
from pipelines.ingestion.simulator.specification import SimulationSpec
from pipelines.ingestion.simulator.truth import truth_of
from pipelines.ingestion.simulator.world import World, world_of

Progress = Callable[[int, int], None]
"""Told (people done, people in all) after each person."""


class Delivery(NamedTuple):
    """One event as it arrives: whose it is, when, and its envelope."""

    user_id: UUID
    arrives_at: datetime
    envelope: dict[str, Any]


@dataclass(frozen=True)
class Simulation:
    """A simulated population. Events are kept small and take their envelopes only while they are read."""

    spec: SimulationSpec
    people: tuple[Person, ...]
    records: tuple[tuple[Record, ...], ...]
    """Per person, in order of arrival."""
    truth: pl.DataFrame

    @property
    def event_count(self) -> int:
        """Deliveries, with the copies sent again and every version."""
        return sum(len(records) for records in self.records)

    @cached_property
    def ceiling(self) -> Ceiling:
        return ceiling_of(self.truth)

    def deliveries(self) -> Iterator[Delivery]:
        """Every event as it arrives, person by person, in order of arrival."""
        for person, records in zip(self.people, self.records, strict=True):
            for record in records:
                yield Delivery(
                    person.user_id, datetime.fromtimestamp(record.arrives_at, UTC), envelope_of(record)
                )

    def manifest(self) -> dict[str, Any]:
        """What was simulated and how well anyone can do on it."""
        return {
            "cohort": self.spec.cohort,
            "seed": self.spec.seed,
            "users": self.spec.users,
            "days": self.spec.days,
            "starts_on": self.spec.starts_on.isoformat(),
            "ends_on": self.spec.ends_on.isoformat(),
            "until": self.spec.told_until.isoformat(),
            "deliveries": self.event_count,
            "check_ins": len(self.truth),
            "ceiling": self.ceiling.as_record(),
            "scales": {
                name: asdict(scale) | {"noise_sd": scale.noise_sd}
                for name, scale in (("energy", ENERGY), ("valence", VALENCE), ("stress", STRESS))
            },
            "mishaps": asdict(MISHAPS),
            "personas": {persona.name: persona.description for persona in PERSONAS},
            "files": ["events.ndjson", "people.ndjson", "truth.parquet"],
        }

    def write(self, folder: Path) -> None:
        """Write `events.ndjson`, `people.ndjson`, `truth.parquet` and `manifest.json`."""
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / "events.ndjson").open("w", encoding="utf-8") as out:
            for delivery in self.deliveries():
                out.write(_line({"user_id": str(delivery.user_id)} | delivery.envelope))
        with (folder / "people.ndjson").open("w", encoding="utf-8") as out:
            out.writelines(_line(person.as_record()) for person in self.people)
        self.truth.write_parquet(folder / "truth.parquet")
        manifest = json.dumps(self.manifest(), indent=2, ensure_ascii=False)
        (folder / "manifest.json").write_text(manifest + "\n", encoding="utf-8")


def simulate(spec: SimulationSpec, progress: Progress | None = None) -> Simulation:
    """Live, record and rate every person of the spec. The same spec gives the same simulation."""
    world = world_of(spec)
    people, records, truths = [], [], []
    for index in range(spec.users):
        person, recorded, truth = simulate_person(spec, world, index)
        people.append(person)
        records.append(tuple(recorded))
        truths.append(truth)
        if progress is not None:
            progress(index + 1, spec.users)
    return Simulation(spec, tuple(people), tuple(records), pl.concat(truths))


def simulate_person(
    spec: SimulationSpec, world: World, index: int
) -> tuple[Person, list[Record], pl.DataFrame]:
    """One person, from streams of their own: neither the others nor their number make a difference."""
    streams = streams_of(spec, index)
    traits = draw_traits(index, streams.traits)
    person = person_of(spec, index, traits)
    life = draw_life(traits, world, streams.life)
    checkins = draw_checkins(life, streams.ratings)
    recorded, answered, forms = record_life(life, checkins, spec, index, streams.records)
    # Cut last: were anything drawn otherwise because of the hour, a later run would tell other days.
    told = told_until(recorded, spec.told_until)
    told_forms = {record.form_id for record in told}
    is_told = np.array([form in told_forms for form in forms], bool)
    kept = [form for form in forms if form in told_forms]
    return person, told, truth_of(person, answered.keep(is_told), kept)


def _line(record: dict[str, Any]) -> str:
    return json.dumps(record, ensure_ascii=False, separators=(",", ":")) + "\n"
