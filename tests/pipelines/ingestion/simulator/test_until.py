"""A world told up to an instant: nothing later, and of what is earlier the same as in any later telling."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import polars as pl
import pytest

from pipelines.ingestion.simulator import (
    Delivery,
    Simulation,
    SimulationSpec,
    SimulationSpecInvalidError,
    simulate,
)

WHOLE = SimulationSpec(users=12, days=20, seed=11, ends_on=date(2026, 11, 8))
LAST_DAY = datetime(2026, 11, 8, tzinfo=UTC)


@pytest.fixture(scope="module")
def by_day() -> Simulation:
    """Told in the early afternoon of the last day."""
    return simulate(replace(WHOLE, until=LAST_DAY + timedelta(hours=14)))


def told_by(simulation: Simulation, until: datetime) -> list[Delivery]:
    """What of a simulation is over and has arrived by then, read off the envelopes."""
    return [
        delivery
        for delivery in simulation.deliveries()
        if max(
            datetime.fromisoformat(delivery.envelope["recorded_at"]),
            datetime.fromisoformat(delivery.envelope.get("ended_at", delivery.envelope["started_at"])),
        )
        <= until
    ]


def causes(truth: pl.DataFrame) -> pl.DataFrame:
    """The truth but for its baselines: those know of a rating that arrives late only later."""
    return truth.drop("energy_mean_before", "valence_mean_before", "mood_majority_before")


def before_a_correction(simulation: Simulation) -> datetime:
    """An instant at which a first version is there whose correction is still to come."""
    arrivals = [
        delivery.arrives_at for delivery in simulation.deliveries() if delivery.envelope["version"] == 2
    ]
    return sorted(arrivals)[len(arrivals) // 2] - timedelta(seconds=1)


@pytest.mark.parametrize(
    "earlier",
    [
        lambda _: LAST_DAY + timedelta(hours=9),
        lambda _: LAST_DAY,
        lambda _: LAST_DAY - timedelta(days=6, hours=5),
        before_a_correction,
    ],
    ids=["the same morning", "midnight", "another day", "before a correction"],
)
def test_an_earlier_telling_is_the_beginning_of_a_later_one(
    by_day: Simulation, earlier: Callable[[Simulation], datetime]
) -> None:
    until = earlier(by_day)
    short = simulate(replace(WHOLE, until=until))

    assert list(short.deliveries()) == told_by(by_day, until)
    assert short.people == by_day.people
    forms = {delivery.envelope.get("form_id") for delivery in short.deliveries()} - {None}
    assert causes(short.truth).equals(causes(by_day.truth.filter(pl.col("form_id").is_in(forms))))


def test_told_until_its_end_the_world_is_whole() -> None:
    whole, told = simulate(WHOLE), simulate(replace(WHOLE, until=WHOLE.ends_at))

    assert told.records == whole.records
    assert told.truth.equals(whole.truth)


def test_everybody_lives_to_this_hour_of_the_day_that_they_have(by_day: Simulation) -> None:
    until = by_day.spec.told_until
    last = {person.user_id: (datetime.min.replace(tzinfo=UTC), "") for person in by_day.people}
    for delivery in by_day.deliveries():
        arrives_at, tz = delivery.arrives_at, delivery.envelope["tz"]
        last[delivery.user_id] = max(last[delivery.user_id], (arrives_at, tz))

    fresh = [(at, tz) for at, tz in last.values() if until - at < timedelta(hours=9)]
    assert len(fresh) >= 10, "nearly everybody told something since they last woke up"
    days = {at.astimezone(ZoneInfo(tz)).date() for at, tz in fresh}
    assert days <= {until.astimezone(ZoneInfo(tz)).date() for _, tz in fresh}
    assert max(at for at, _ in fresh) <= until


def test_ratings_of_the_last_day_end_with_it_and_each_one_is_in_the_log(by_day: Simulation) -> None:
    ids = {delivery.envelope["event_id"] for delivery in by_day.deliveries()}
    rated_at = by_day.truth["rated_at"]

    assert LAST_DAY < rated_at.max() <= by_day.spec.told_until  # type: ignore[operator]
    assert set(by_day.truth["energy_event_id"]) | set(by_day.truth["mood_event_id"]) <= ids


@pytest.mark.parametrize("until", [WHOLE.starts_at, WHOLE.ends_at + timedelta(seconds=1)])
def test_an_instant_outside_the_days_is_refused(until: datetime) -> None:
    with pytest.raises(SimulationSpecInvalidError, match="2026-10-20 to 2026-11-08"):
        replace(WHOLE, until=until)
