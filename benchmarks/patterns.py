"""What the search for patterns finds where there is nothing, and where the causes are known.

.venv/bin/python -m benchmarks.patterns null --people 300
.venv/bin/python -m benchmarks.patterns simulated --people 100 --days 180
.venv/bin/python -m benchmarks.patterns simulated --ratings all    # those from before waking as well
"""

from __future__ import annotations

import argparse
from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import UTC, date, datetime
from uuid import UUID

import numpy as np

from aurora.events.acceptance import AcceptedEvent, validate
from aurora.events.catalogue import MEASURES, TYPE_OF_MEASURE
from aurora.features.tiles import LoggedEvent, Tile, tiles_of
from aurora.patterns.findings import Search
from aurora.patterns.search import search, window_of
from aurora.patterns.series import DayValue, PersonDays, person_days
from aurora.patterns.specification import FACTORS, RATED, WINDOW_DAYS
from aurora.patterns.waking import Night, Rating, waking_days
from pipelines.ingestion.simulator.simulation import simulate
from pipelines.ingestion.simulator.specification import SimulationSpec

KINDS = ("lagged_correlation", "weekday_effect", "change_point")
ENDS_ON = date(2026, 11, 22)
PHIS = (0.0, 0.5, 0.7, 0.8, 0.9)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("what", nargs="?", default="null", choices=["null", "simulated"])
    parser.add_argument("--people", type=int, default=100)
    parser.add_argument("--days", type=int, default=WINDOW_DAYS)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--ratings", choices=["waking", "all"], default="waking")
    asked = parser.parse_args()
    if asked.what == "null":
        _null(asked.people, np.random.default_rng(asked.seed))
    else:
        _simulated(asked.people, asked.days, asked.seed, is_from_waking=asked.ratings == "waking")


def _null(people: int, rng: np.random.Generator) -> None:
    """Independent AR(1) series of every measure, up to 60 % of days missing: every discovery is false."""
    print(
        "memory  "
        + "  ".join(f"{kind:>18}" for kind in KINDS)
        + "   share of people with any; tested a person"
    )
    for phi in PHIS:
        false, tested = Counter[str](), Counter[str]()
        for _ in range(people):
            found = search(PersonDays(date(2026, 1, 5), FACTORS, _independent(rng, phi)))
            false.update({pattern.kind for pattern in found.patterns})
            tested.update(found.tested)
        cells = [f"{false[kind] / people:10.3f} {tested[kind] / people:7.1f}" for kind in KINDS]
        print(f"{phi:6.1f}  " + "  ".join(cells), flush=True)


def _independent(rng: np.random.Generator, phi: float) -> np.ndarray:
    noise = rng.normal(size=(len(FACTORS), WINDOW_DAYS))
    series = noise.copy()
    for day in range(1, WINDOW_DAYS):
        series[:, day] = phi * series[:, day - 1] + np.sqrt(1 - phi**2) * noise[:, day]
    missing = rng.uniform(size=series.shape) < rng.uniform(0, 0.6, (len(series), 1))
    return np.where(missing, np.nan, series)


def _simulated(people: int, days: int, seed: int, *, is_from_waking: bool) -> None:
    """Simulated people (docs/simulator.md): how many have which pattern, with which sign and lags."""
    having, higher = Counter[tuple[str, ...]](), Counter[tuple[str, ...]]()
    lags: dict[tuple[str, ...], Counter[int]] = defaultdict(Counter)
    for found in _searches(people, days, seed, is_from_waking=is_from_waking):
        for pattern in found.patterns:
            key = (pattern.kind, pattern.outcome, pattern.subject, pattern.timing or "")
            having[key] += 1
            higher[key] += pattern.direction == "higher"
            lags[key][pattern.lag_days or 0] += 1
    print("people  higher  pattern, lags")
    for key, count in having.most_common():
        shown = dict(lags[key].most_common(4)) if key[0] == KINDS[0] else ""
        print(f"{count:6}  {higher[key]:6}  {' '.join(key)} {shown}")


def _searches(people: int, days: int, seed: int, *, is_from_waking: bool) -> Iterator[Search]:
    events: dict[UUID, dict[UUID, AcceptedEvent]] = defaultdict(dict)
    simulation = simulate(SimulationSpec(users=people, days=days, seed=seed, ends_on=ENDS_ON))
    for delivery in simulation.deliveries():
        verdict = validate(
            delivery.envelope,
            user_id=delivery.user_id,
            user_tz="UTC",
            received_at=datetime(2026, 12, 1, tzinfo=UTC),
            hash_key=b"benchmark",
            is_import=True,
        )
        if isinstance(verdict, AcceptedEvent):
            newest = events[delivery.user_id].get(verdict.event_id)
            if newest is None or newest.version < verdict.version:
                events[delivery.user_id][verdict.event_id] = verdict
    first, last = window_of(ENDS_ON)
    for own in events.values():
        told = [event for event in own.values() if not event.is_deleted]
        tiles = tiles_of(map(_logged, told))
        values = [
            DayValue(day, measure, _value(measure, tile))
            for day, of_day in tiles.items()
            for measure, tile in of_day.items()
            if measure not in RATED
        ]
        # Where nobody knows when a night was over, all ratings of the day count.
        rated = waking_days(_ratings(told), _nights(told) if is_from_waking else ())
        values += rated.values
        yield search(person_days(first, last, values, tiles.keys(), in_one_form=rated.in_one_form))


def _ratings(told: list[AcceptedEvent]) -> Iterator[Rating]:
    for event in told:
        for measure in RATED:
            if event.type == TYPE_OF_MEASURE[measure].name:
                value = event.payload[MEASURES[measure].field]
                yield Rating(event.local_date, measure, value, event.started_at, event.form_id)


def _nights(told: list[AcceptedEvent]) -> Iterator[Night]:
    for event in told:
        if event.type == "sleep.recorded" and not event.payload.get("is_nap"):
            yield Night(event.local_date, event.ended_at, event.form_id)


def _logged(event: AcceptedEvent) -> LoggedEvent:
    return LoggedEvent(**{name: getattr(event, name) for name in LoggedEvent._fields})


def _value(measure: str, tile: Tile) -> float:
    entry = MEASURES[measure]
    return {"sum": tile.sum, "mean": tile.sum / tile.n, "last": tile.last}[entry.aggregate] / entry.scale


if __name__ == "__main__":
    main()
