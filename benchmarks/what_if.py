"""How true what-ifs are: the model's answers beside what the same changes really do to simulated people.

.venv/bin/python -m benchmarks.what_if --people 60 --days 60

The model is trained on the days before the last two weeks, and asked about moments of these by what was known
then. The truth is the simulator's: the expected rating with the change less that without. A what-if that claimed no
effect at all is judged beside it.
"""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final
from uuid import UUID

import numpy as np
import polars as pl
import psycopg

from aurora import clock
from aurora.features.live import tiles_from_log
from aurora.features.tiles import Tiles
from aurora.features.vector import Moment, vector
from aurora.models.baselines import DAY_SECONDS
from aurora.models.catalogue import MODELS
from aurora.predictions.predictor import Predictor
from aurora.predictions.tile_changes import Occasion
from aurora.predictions.what_if import Asked, Refused, WhatIf, what_if
from benchmarks.services import Services, services
from pipelines.ingestion.simulator.interventions import (
    NoLateCaffeine,
    OnStates,
    SleepLonger,
    Workout,
    true_effect,
)
from pipelines.ingestion.simulator.places import Floats
from pipelines.ingestion.simulator.states import State, caffeine_active, sleep_lost_to
from pipelines.ingestion.simulator.truth import state_of
from pipelines.training.fitting import fit
from pipelines.training.halves import with_halves
from pipelines.training.rows import TrainingRows, read_training_rows

COHORT: Final = "simulated-seed7"
JUDGED_DAYS: Final = 14
NOON: Final = 12
_CUPS: Final = """
    select started_at, caffeine_mg from staging.stg_events__caffeine
    where user_id = %s and started_at >= %s and started_at < %s and not is_deleted and alive_until = 'infinity'
"""
LARGE: Final = {"energy": 0.3, "mood": 0.06}
"""A true effect from which on the sign has to be right: 3 % of the scale."""


@dataclass(frozen=True)
class WithoutCups:
    """Without some of today's cups, of which so many mg still act; what is left of yesterday's, and the night
    before, stay as they were."""

    active: Floats

    def on_state(self, state: State) -> State:
        return replace(state, caffeine=np.maximum(state.caffeine - self.active, 0.0))


class HourWithOthers:
    """An hour with others that ended two hours ago, as `states.py` lets it act."""

    def on_state(self, state: State) -> State:
        social = np.minimum(state.social + (1 - np.exp(-1)) * np.exp(-2 / 6), 1.2)
        return replace(
            state,
            social=social,
            isolation=state.isolation * np.exp(-1),
            stress=state.stress - 0.8 * (social - state.social),
        )


Question = Callable[[Tiles, date, int], list[Asked]]
"""What to ask about the moment of this number, whose person has these tiles today; nothing where a change would
change nothing."""


@dataclass(frozen=True)
class Case:
    """An intervention, and the question that asks about it."""

    name: str
    intervention: OnStates
    question: Question


def _sleep(more: Floats) -> Question:
    """So many hours more, at each moment."""

    def question(tiles: Tiles, today: date, moment: int) -> list[Asked]:
        night = tiles.get(today, {}).get("main_sleep_minutes")
        return [] if night is None else [Asked("sleep_minutes", night.last / 1000 + 60 * float(more[moment]))]

    return question


def _without(name: str, *measures: str) -> Question:
    def question(tiles: Tiles, today: date, _moment: int) -> list[Asked]:
        return [Asked(name, 0)] if any(measure in tiles.get(today, {}) for measure in measures) else []

    return question


def _together(first: Question, second: Question) -> Question:
    def question(tiles: Tiles, today: date, moment: int) -> list[Asked]:
        both = first(tiles, today, moment), second(tiles, today, moment)
        return [*both[0], *both[1]] if all(both) else []

    return question


def _always(asked: Asked) -> Question:
    return lambda _tiles, _today, _moment: [asked]


def _cases(state: State, active_today: Floats, active_since_noon: Floats) -> tuple[Case, ...]:
    """The questions; the amounts of caffeine are what still acts of the cups of each moment's day."""
    late = _without("late_caffeine_mg", "caffeine_afternoon", "caffeine_evening")
    gained = sleep_lost_to(state.late_caffeine_at_bedtime)
    hour = np.ones(len(gained))
    return (
        Case("an hour more sleep", SleepLonger(1.0), _sleep(hour)),
        Case("an hour less sleep", SleepLonger(-1.0), _sleep(-hour)),
        Case("no caffeine today", WithoutCups(active_today), _without("caffeine_mg", "caffeine")),
        Case("no caffeine since noon", WithoutCups(active_since_noon), late),
        Case("a workout of 40 min", Workout(), _always(Asked("exercise_minutes", 40, 2))),
        Case("an hour with others", HourWithOthers(), _always(Asked("social_minutes", 60, 2))),
        # Yesterday's late cups too, and the night that was the better for it: the same question without the night
        # asks about something else, and with it about more than the person may think of.
        Case("late cups, asked alone", NoLateCaffeine(), late),
        Case("late cups and night", NoLateCaffeine(), _together(late, _sleep(gained))),
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--people", type=int, default=60)
    parser.add_argument("--days", type=int, default=60)
    parser.add_argument("--moments", type=int, default=400, help="how many ratings are asked about")
    asked = parser.parse_args()
    with services() as running:
        running.simulate(asked.people, asked.days, ends_on=date(2026, 11, 22))
        running.build()
        for target in MODELS:
            asyncio.run(_judge(running, target, asked.moments))


async def _judge(running: Services, target: str, moments: int) -> None:
    spec = MODELS[target]
    with psycopg.connect(running.postgres_url) as connection:
        rows = read_training_rows(connection, spec, COHORT)
        found = connection.execute("select truth_path from raw.simulations").fetchone()
        zones: dict[UUID, str] = dict(connection.execute("select user_id, tz from app.users").fetchall())
    assert found is not None
    until = rows.as_of.max() - JUDGED_DAYS * DAY_SECONDS
    predictor = _trained(rows, until)
    truth = pl.read_parquet(found[0]).unique(f"{target}_event_id")
    judged = _judged(rows, truth, target, until, moments)
    state = state_of(judged)
    answers: dict[str, list[WhatIf | Refused | None]] = {}
    parity: list[bool] = []
    async with await psycopg.AsyncConnection.connect(running.postgres_url) as connection:
        occasions = [await _occasion(connection, row, zones) for row in judged.iter_rows(named=True)]
        cups = [await _cups(connection, row, zones) for row in judged.iter_rows(named=True)]
    cases = _cases(state, *np.array(cups).T)
    for number, (row, occasion) in enumerate(zip(judged.iter_rows(named=True), occasions, strict=True)):
        parity.append(_is_the_training_row(occasion, row, predictor))
        for case in cases:
            asked = case.question(occasion.tiles, occasion.today, number)
            answers.setdefault(case.name, []).append(_asked(predictor, occasion, asked, row["user_id"]))
    print(
        f"\n{target}: {len(judged)} moments of {judged['user_id'].n_unique()} people; the live vector is the "
        f"warehouse's at {np.mean(parity):.0%}; {rows.spec.unit}"
    )
    print(
        f"{'':22}answered refused  mean true  mean said   error  no effect   sign right where |true| ≥ {LARGE[target]}"
        "   interval covers"
    )
    for case in cases:
        effect = true_effect(case.intervention, state)
        true = effect.energy_rating if target == "energy" else effect.valence_rating
        _print(case.name, answers[case.name], true, LARGE[target])


def _trained(rows: TrainingRows, until: float) -> Predictor:
    chosen = np.flatnonzero((rows.as_of <= until) & (rows.known_at <= until))
    fitted = fit(rows, chosen)
    assert fitted is not None
    return Predictor.load(with_halves(fitted, rows, chosen).pack(), version="1")


def _judged(rows: TrainingRows, truth: pl.DataFrame, target: str, until: float, moments: int) -> pl.DataFrame:
    """Some of the latest ratings: what was true, and the row that training would have seen."""
    judged = np.flatnonzero((rows.as_of > until) & rows.is_instant)
    labels = rows.frame(rows.spec.columns)[judged].with_columns(
        label_event_id=pl.Series(rows.labels(judged)), as_of=pl.Series(rows.as_of[judged])
    )
    columns = [name for name in truth.columns if name not in labels.columns]
    both = labels.join(truth.select(columns), left_on="label_event_id", right_on=f"{target}_event_id")
    return both.sample(min(moments, len(both)), seed=1)


async def _occasion(
    connection: psycopg.AsyncConnection[Any], row: Mapping[str, Any], zones: Mapping[UUID, str]
) -> Occasion:
    """The person's live days just before they rated: the rating itself is not in them."""
    user_id = UUID(row["user_id"])
    as_of = datetime.fromtimestamp(row["as_of"], UTC)
    moment = Moment.at(as_of, zones[user_id])
    before = as_of - timedelta(microseconds=1)
    tiles = await tiles_from_log(connection, user_id, moment.local_date, before)
    return Occasion(tiles, moment, zones[user_id])


def _is_the_training_row(occasion: Occasion, row: Mapping[str, Any], predictor: Predictor) -> bool:
    """Whether the model is asked what it would have been trained on; not while a person travels."""
    live = vector(occasion.tiles, occasion.moment)
    return all(
        (live[name] is None) == (row[name] is None) and abs((live[name] or 0) - (row[name] or 0)) < 1e-6
        for name in predictor.metadata.columns
    )


async def _cups(
    connection: psycopg.AsyncConnection[Any], row: Mapping[str, Any], zones: Mapping[UUID, str]
) -> tuple[float, float]:
    """How many mg still act of the cups of this local day: of all, and of those since noon."""
    user_id = UUID(row["user_id"])
    as_of = datetime.fromtimestamp(row["as_of"], UTC)
    since = clock.day_start(clock.local_date(as_of, zones[user_id]), zones[user_id])
    found = await connection.execute(_CUPS, [user_id, since, as_of])
    cups = [(at, mg) for at, mg in await found.fetchall() if mg]
    hours = np.array([(as_of - at).total_seconds() / 3600 for at, _ in cups])
    active = caffeine_active(hours) * np.array([mg for _, mg in cups])
    is_late = np.array([clock.local_time(at, zones[user_id]).hour >= NOON for at, _ in cups], dtype=bool)
    return float(active.sum()), float(active[is_late].sum())


def _asked(
    predictor: Predictor, occasion: Occasion, asked: list[Asked], user_id: str
) -> WhatIf | Refused | None:
    if not asked:
        return None
    answer = what_if(predictor, occasion, asked, user_id=user_id)
    return answer if isinstance(answer, WhatIf | Refused) else None


def _print(name: str, answers: list[WhatIf | Refused | None], true: np.ndarray, large: float) -> None:
    places = [place for place, answer in enumerate(answers) if isinstance(answer, WhatIf)]
    refused = sum(isinstance(answer, Refused) for answer in answers)
    given = [answer for answer in answers if isinstance(answer, WhatIf)]
    if not given:
        print(f"{name:22}{0:8}{refused:8}")
        return
    said, real = np.array([answer.change for answer in given]), true[places]
    covered = [
        answer.lower <= effect <= answer.upper
        for answer, effect in zip(given, real, strict=True)
        if answer.lower is not None and answer.upper is not None
    ]
    clear = np.abs(real) >= large
    right = (
        f"{np.mean(np.sign(said[clear]) == np.sign(real[clear])):.0%} of {clear.sum()}"
        if clear.any()
        else "–"
    )
    print(
        f"{name:22}{len(given):8}{refused:8}{real.mean():11.3f}{said.mean():11.3f}"
        f"{np.abs(said - real).mean():8.3f}{np.abs(real).mean():11.3f}{right:>34}"
        f"{np.mean(covered) if covered else float('nan'):18.0%}"
    )


if __name__ == "__main__":
    main()
