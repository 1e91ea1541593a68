"""What reaches the log: acceptable events, at right times, with the promised share of mishaps."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import UTC, date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import polars as pl
import pytest

from aurora.events.acceptance import AcceptedEvent, validate
from aurora.events.catalogue import EVENT_TYPES
from pipelines.ingestion.simulator import Delivery, Simulation, SimulationSpec, simulate
from pipelines.ingestion.simulator.gaps import MISHAPS
from pipelines.ingestion.simulator.places import PLACES, ZoneTable

# Both autumn changes of 2026 (Europe 25 October, America 1 November) and the southern spring one lie inside.
SPEC = SimulationSpec(users=60, days=70, seed=5, ends_on=date(2026, 11, 22))


@pytest.fixture(scope="module")
def simulation() -> Simulation:
    return simulate(SPEC)


@pytest.fixture(scope="module")
def deliveries(simulation: Simulation) -> list[Delivery]:
    return list(simulation.deliveries())


def test_every_event_is_accepted_and_known_when_it_arrives(
    simulation: Simulation, deliveries: list[Delivery]
) -> None:
    zones = {person.user_id: person.tz for person in simulation.people}
    for delivery in deliveries[::5]:
        verdict = validate(
            delivery.envelope,
            user_id=delivery.user_id,
            user_tz=zones[delivery.user_id],
            received_at=delivery.arrives_at,
            hash_key=b"k" * 32,
            is_import=True,
        )

        assert isinstance(verdict, AcceptedEvent), verdict
        assert verdict.known_at == delivery.arrives_at


def test_most_of_the_catalogue_is_simulated(deliveries: list[Delivery]) -> None:
    kinds = {delivery.envelope["type"] for delivery in deliveries}

    assert kinds <= set(EVENT_TYPES)
    assert set(EVENT_TYPES) - kinds == {"note.written", "custom.recorded"}


def test_times_carry_the_offset_that_the_zone_has_at_that_instant(deliveries: list[Delivery]) -> None:
    seen = defaultdict(set)
    for delivery in deliveries:
        envelope = delivery.envelope
        for field in ("started_at", "ended_at"):
            if field in envelope:
                at = datetime.fromisoformat(envelope[field])
                assert at.utcoffset() == at.astimezone(ZoneInfo(envelope["tz"])).utcoffset()
                seen[envelope["tz"]].add(at.utcoffset())

    assert len(seen) >= 12
    assert len(seen["Europe/Berlin"]) == 2
    assert len(seen["America/New_York"]) == 2
    assert len(seen["Asia/Kolkata"]) == 1


def test_clock_times_around_a_dst_change_become_the_right_instants() -> None:
    berlin = ZoneTable("Europe/Berlin", date(2026, 3, 20), 20)
    skipped, before = (int(datetime(2026, 3, 29, hour, 30, tzinfo=UTC).timestamp()) for hour in (2, 1))
    instants = berlin.instant_of(pl.Series([before, skipped]).to_numpy())
    local = [datetime.fromtimestamp(instant, ZoneInfo("Europe/Berlin")) for instant in instants]

    assert local[0].hour == 1
    assert local[1].hour in {1, 3}
    assert all(
        int(berlin.offset_of(int(instant))) == moment.utcoffset().total_seconds()  # type: ignore[union-attr]
        for instant, moment in zip(instants, local, strict=True)
    )


def test_some_people_travel(simulation: Simulation) -> None:
    zones = [{record.tz for record in records} for records in simulation.records]

    assert 0.03 < sum(len(person) > 1 for person in zones) / len(zones) < 0.35


def test_nothing_happens_or_arrives_outside_the_window(deliveries: list[Delivery]) -> None:
    first = datetime.combine(SPEC.starts_on, datetime.min.time(), UTC)
    for delivery in deliveries:
        assert first <= datetime.fromisoformat(delivery.envelope["started_at"])
        assert delivery.arrives_at <= SPEC.ends_at
        if delivery.envelope["type"] != "calendar.scheduled":
            assert datetime.fromisoformat(delivery.envelope["started_at"]) <= delivery.arrives_at


def test_late_twice_sent_corrected_and_deleted_events_have_the_stated_shares(simulation: Simulation) -> None:
    records = [record for person in simulation.records for record in person]
    total = len(records)
    copies = Counter((record.event_id, record.version) for record in records)
    late = sum(
        record.version == 1 and record.arrives_at - (record.ended_at or record.started_at) > 3 * 3600 + 60
        for record in records
    )

    assert late / total == pytest.approx(MISHAPS.late, rel=0.4)
    assert sum(count - 1 for count in copies.values()) / total == pytest.approx(MISHAPS.sent_twice, rel=0.2)
    assert sum(record.is_deleted for record in records) / total == pytest.approx(MISHAPS.deleted, rel=0.5)
    correctable = [record for record in records if record.type in {"sleep.recorded", "energy.rated"}]
    corrected = sum(record.version == 2 and not record.is_deleted for record in correctable)
    assert corrected / len(correctable) == pytest.approx(MISHAPS.corrected, rel=0.6)


def test_a_correction_changes_the_body_and_a_copy_does_not(simulation: Simulation) -> None:
    bodies = defaultdict(set)
    for person in simulation.records:
        for record in person:
            bodies[record.event_id, record.version].add((str(record.payload), record.started_at))
    second = {event_id for event_id, version in bodies if version == 2}

    assert all(len(body) == 1 for body in bodies.values())
    assert all(bodies[event_id, 1] != bodies[event_id, 2] for event_id in second)


def test_gaps_leave_days_without_a_sleep_and_days_without_a_check_in(simulation: Simulation) -> None:
    nights = sum(
        record.type == "hrv.measured" and record.version == 1 for p in simulation.records for record in p
    )

    assert 0.80 < nights / (SPEC.users * SPEC.days) < 0.99
    a_day = len(simulation.truth) / (SPEC.users * SPEC.days)
    assert 2.0 < a_day < 3.3


def test_latest_version_of_a_rating_is_the_one_the_truth_explains(simulation: Simulation) -> None:
    latest = {}
    for person in simulation.records:
        for record in person:
            if record.type in {"energy.rated", "mood.rated"}:
                known = latest.get(record.event_id)
                latest[record.event_id] = record if known is None or record.version > known.version else known
    truth = simulation.truth

    assert len(latest) == 2 * len(truth)
    for event_id, energy in zip(truth["energy_event_id"], truth["energy"], strict=True):
        assert latest[event_id].payload["energy"] == energy
    for event_id, valence in zip(truth["mood_event_id"], truth["valence"], strict=True):
        assert latest[event_id].payload["valence"] == valence


def test_ratings_of_a_form_share_it_and_lie_on_the_sliders_grid(simulation: Simulation) -> None:
    for person in simulation.records[:10]:
        for record in person:
            assert (record.form_id is not None) == record.type.endswith(".rated")
            if record.type == "energy.rated":
                assert round(record.payload["energy"] * 10) == pytest.approx(record.payload["energy"] * 10)


def test_written_files_hold_what_was_simulated(tmp_path: Path) -> None:
    small = simulate(SimulationSpec(users=2, days=10, seed=3, ends_on=date(2026, 11, 1)))
    small.write(tmp_path)

    events = (tmp_path / "events.ndjson").read_text(encoding="utf-8").splitlines()
    people = (tmp_path / "people.ndjson").read_text(encoding="utf-8").splitlines()
    assert (len(events), len(people)) == (small.event_count, 2)
    assert pl.read_parquet(tmp_path / "truth.parquet").equals(small.truth)
    assert '"ceiling"' in (tmp_path / "manifest.json").read_text(encoding="utf-8")


def test_every_zone_of_a_place_exists() -> None:
    assert all(ZoneInfo(place.tz).key == place.tz for place in PLACES)
