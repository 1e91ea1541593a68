"""Simulated people: a population is simulated, written down with its truth, and imported like any file."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

import psycopg
from psycopg.types.json import Jsonb

from aurora import clock
from aurora.database.connections import connect
from aurora.events.people import Person, ensure_people
from pipelines.ingestion.errors import IngestionError
from pipelines.ingestion.importer import ImportRequest, import_file
from pipelines.ingestion.mapping_files import load_mapping
from pipelines.ingestion.progress import Progress
from pipelines.ingestion.simulator import Simulation, SimulationSpec, simulate
from pipelines.ingestion.summary import ImportSummary


class SimulationExistsError(IngestionError):
    """The cohort already holds other lives of the same people."""

    def __init__(self, cohort: str, earlier: EarlierSimulation) -> None:
        super().__init__(
            f"the cohort {cohort} already holds {earlier.users} people × {earlier.days} days until "
            f"{earlier.ends_on}: simulate the same days (--days {earlier.days} --ends-on {earlier.ends_on}, "
            "with as many people or more), or another --seed"
        )


class SimulationToldFurtherError(IngestionError):
    """The cohort's events reach further already; to tell less would take the truth of the last ones away."""

    def __init__(self, cohort: str, until: datetime) -> None:
        super().__init__(
            f"the cohort {cohort} is told until {until.isoformat()} already: not less from now on"
        )


class SimulationOfTheFutureError(IngestionError):
    """Events that have not happened yet, not even to simulated people."""

    def __init__(self, until: datetime) -> None:
        super().__init__(
            f"nothing can be told until {until.isoformat()} yet: say --until now, or an earlier --ends-on"
        )


@dataclass(frozen=True)
class EarlierSimulation:
    """What was simulated before in a cohort, imported or begun."""

    users: int
    days: int
    ends_on: date
    until: datetime | None = None
    """How far it was told; None where nothing on disk says so."""


def simulation_folder(data_dir: Path, cohort: str) -> Path:
    """Where the files of a simulated population lie, its truth among them."""
    return data_dir / "simulations" / cohort


def plan_simulation(
    postgres_url: str,
    data_dir: Path,
    *,
    users: int,
    days: int,
    seed: int,
    ends_on: date | None,
    until: datetime | None = None,
) -> SimulationSpec:
    """What to simulate: the days asked for, else those that the cohort has already, else until yesterday.

    With `until` alone its UTC day is the last. Two different worlds of one seed have the same people; their events
    must never meet. Of one world more can be told later, as more of its last day has passed.
    """
    spec = SimulationSpec(users=users, days=days, seed=seed)
    with connect(postgres_url) as connection:
        on_disk = _on_disk(data_dir, spec.cohort)
        earlier = _in_database(connection, spec.cohort, on_disk) or on_disk
    if ends_on is None and until is not None:
        ends_on = until.date()
    elif ends_on is None and earlier is not None:
        ends_on, until = earlier.ends_on, earlier.until
    if ends_on is not None:
        spec = SimulationSpec(users, days, seed, ends_on, until)
    if earlier is not None:
        if not (
            spec.days == earlier.days and spec.ends_on == earlier.ends_on and spec.users >= earlier.users
        ):
            raise SimulationExistsError(spec.cohort, earlier)
        if earlier.until is not None and spec.told_until < earlier.until:
            raise SimulationToldFurtherError(spec.cohort, earlier.until)
    if spec.told_until > clock.now():
        raise SimulationOfTheFutureError(spec.told_until)
    return spec


def write_simulation(spec: SimulationSpec, data_dir: Path, seen: Callable[[int, int], None]) -> Simulation:
    """Simulate and write events, people, truth and manifest to the cohort's folder."""
    simulation = simulate(spec, seen)
    simulation.write(simulation_folder(data_dir, spec.cohort))
    return simulation


def import_simulation(
    simulation: Simulation, *, postgres_url: str, data_key: str, data_dir: Path, progress: Progress
) -> ImportSummary:
    """Import a written simulation; its row in `raw.simulations` says that all of it is there."""
    spec = simulation.spec
    folder = simulation_folder(data_dir, spec.cohort)
    with connect(postgres_url) as connection:
        ensure_people(
            connection,
            (
                Person(person.user_id, person.username, person.tz, person.cohort, person.persona)
                for person in simulation.people
            ),
            data_key,
        )
    request = ImportRequest(folder / "events.ndjson", load_mapping("events"), cohort=spec.cohort)
    summary = import_file(request, postgres_url=postgres_url, data_key=data_key, progress=progress)
    if summary.state == "done":
        with connect(postgres_url) as connection:
            _record(connection, simulation, folder / "truth.parquet")
    return summary


def _record(connection: psycopg.Connection[Any], simulation: Simulation, truth: Path) -> None:
    spec = simulation.spec
    connection.execute(
        "insert into raw.simulations (cohort, seed, users, days, ends_on, ceiling, truth_path)"
        " values (%s, %s, %s, %s, %s, %s, %s)"
        " on conflict (cohort) do update set users = excluded.users, ceiling = excluded.ceiling,"
        " truth_path = excluded.truth_path",
        (
            spec.cohort,
            spec.seed,
            spec.users,
            spec.days,
            spec.ends_on,
            Jsonb(simulation.ceiling.as_record()),
            str(truth),
        ),
    )


def _in_database(
    connection: psycopg.Connection[Any], cohort: str, on_disk: EarlierSimulation | None
) -> EarlierSimulation | None:
    row = connection.execute(
        "select users, days, ends_on from raw.simulations where cohort = %s", (cohort,)
    ).fetchone()
    if row is None:
        return None
    users, days, ends_on = row
    # How far it was told stands beside the truth, which reaches as far: without the files neither is known.
    return EarlierSimulation(users, days, ends_on, on_disk.until if on_disk else None)


def _on_disk(data_dir: Path, cohort: str) -> EarlierSimulation | None:
    """A simulation whose import was interrupted: some of its events may be in the log already."""
    manifest = simulation_folder(data_dir, cohort) / "manifest.json"
    if not manifest.is_file():
        return None
    content = json.loads(manifest.read_text(encoding="utf-8"))
    until = datetime.fromisoformat(content["until"]) if "until" in content else None
    return EarlierSimulation(content["users"], content["days"], date.fromisoformat(content["ends_on"]), until)
