"""Schedules: how a life is drawn from traits, persona and chance."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pipelines.ingestion.simulator.lives import Bools, Calendar, Life, Spells
from pipelines.ingestion.simulator.people import Traits
from pipelines.ingestion.simulator.personas import DAY as DAY_SHIFT
from pipelines.ingestion.simulator.personas import EARLY, LATE, NIGHT, OFF
from pipelines.ingestion.simulator.places import DAY, HOUR, PLACES, Floats, Seconds, persistent
from pipelines.ingestion.simulator.world import World

SHIFT_STARTS = {EARLY: 6.0, LATE: 14.0, NIGHT: 22.0}


def draw_life(traits: Traits, world: World, stream: np.random.Generator) -> Life:
    """Live all days of the world once."""
    calendar = _draw_calendar(traits, world, stream)
    shifts, working = _draw_shifts(traits, calendar, stream)
    asleep_from, woken_at = _draw_nights(traits, calendar, shifts, stream)
    days = len(calendar)
    persona = traits.persona
    sociable = ~working | (calendar.weekday == 4)
    return Life(
        traits=traits,
        calendar=calendar,
        asleep_from=asleep_from,
        woken_at=woken_at,
        efficiency=np.clip(stream.normal(persona.efficiency, 0.035, days), 0.55, 0.97),
        work=_draw_work(traits, calendar, shifts, stream),
        meals=_draw_meals(woken_at, stream),
        coffees=_draw_coffees(traits, calendar, woken_at, stream),
        drinks=_draw_drinks(traits, calendar, sociable, stream),
        meetings=_draw_meetings(traits, calendar, sociable, stream),
        workouts=_draw_workouts(traits, calendar, shifts, stream),
        meditations=_draw_meditations(traits, woken_at, stream),
        naps=_draw_naps(traits, woken_at, stream),
        stress_drift=persistent(stream, days, sd=0.3, lasts_days=90.0),
        energy_drift=persistent(stream, days, sd=0.2, lasts_days=90.0),
        valence_drift=persistent(stream, days, sd=0.04, lasts_days=90.0),
    )


def _draw_calendar(traits: Traits, world: World, stream: np.random.Generator) -> Calendar:
    """Days at home, and for one person in seven some days in another place."""
    days = world.days
    places = [traits.place] * days
    travels, away = stream.random() < 0.15, PLACES[int(stream.integers(len(PLACES)))]
    leaves, stays = int(stream.integers(16, max(17, days - 6))), int(stream.integers(4, 13))
    if travels:
        places[leaves : leaves + stays] = [away] * len(places[leaves : leaves + stays])
    zones = tuple(world.zones[place.tz] for place in places)
    noon = np.array([(world.noon_of(day)) for day in range(days)])
    offsets = np.array([int(zone.offset_at(at)) for zone, at in zip(zones, noon, strict=True)]) / HOUR
    lag = np.zeros(days)
    for day in range(1, days):
        # The clock a body keeps moves towards the local one by about an hour a day.
        moved = offsets[day - 1] - offsets[day] if zones[day] is not zones[day - 1] else 0.0
        carried = (lag[day - 1] + moved + 12) % 24 - 12
        lag[day] = np.sign(carried) * max(0.0, abs(carried) - 1.0)
    weekday = (world.first.weekday() + np.arange(days)) % 7
    blank = Calendar(world.first, zones, np.zeros(0, np.int64), weekday, lag, ())
    starts = blank.instant(np.arange(days), np.zeros(days))
    weather = tuple(world.weather[place.name] for place in places)
    return Calendar(world.first, zones, starts, weekday, lag, weather)


def _draw_shifts(
    traits: Traits, calendar: Calendar, stream: np.random.Generator
) -> tuple[NDArray[np.str_], Bools]:
    """What kind of work each day holds, and whether it holds any."""
    plan = traits.persona.work_week
    turn = int(stream.integers(len(plan)))
    days = np.arange(len(calendar))
    slot = calendar.weekday if len(plan) == 7 else (days + turn) % len(plan)
    shifts = np.array(plan)[slot]
    holidays = stream.random(len(days)) < 0.03
    shifts = np.where(holidays, OFF, shifts)
    return shifts, shifts != OFF


def _draw_nights(
    traits: Traits, calendar: Calendar, shifts: NDArray[np.str_], stream: np.random.Generator
) -> tuple[Seconds, Seconds]:
    persona, days = traits.persona, len(calendar)
    normal = stream.normal
    off, before = shifts == OFF, np.concatenate([[OFF], shifts[:-1]])
    bed = (
        persona.bedtime
        + traits.chronotype
        + persona.weekend_delay * off
        + normal(0, persona.bedtime_sd, days)
    )
    starts = np.array([SHIFT_STARTS.get(shift, persona.work_start) for shift in shifts])
    alarm = starts - 1.4 + 0.5 * min(traits.chronotype, 0.8) + normal(0, 0.3, days)
    has_alarm = (shifts == DAY_SHIFT) | (shifts == EARLY)
    bed = np.where(shifts == EARLY, np.minimum(bed, alarm - 5.6 + normal(0, 0.5, days)), bed)
    bed = np.where(before == LATE, np.maximum(bed, 0.3 + np.abs(normal(0, 0.4, days))), bed)
    rested = bed + persona.free_sleep + normal(0, 0.8, days)
    wake = np.where(has_alarm, np.minimum(rested, alarm), rested)
    after_night = before == NIGHT
    bed = np.where(after_night, 7.4 + normal(0, 0.4, days), bed)
    wake = np.where(after_night, bed + np.clip(normal(6.3, 0.8, days), 3.5, 9.0), wake)
    bed = np.minimum(bed, wake - 3.4)
    index = np.arange(days)
    woken_at = calendar.instant(index, wake)
    asleep_from = woken_at - ((wake - bed) * HOUR).astype(np.int64)
    # A journey can squeeze a night: nobody falls asleep within three hours of waking.
    asleep_from[1:] = np.maximum(asleep_from[1:], woken_at[:-1] + 3 * HOUR)
    woken_at = np.maximum(woken_at, asleep_from + int(2.5 * HOUR))
    return asleep_from // 60 * 60, woken_at // 60 * 60


def _draw_work(
    traits: Traits, calendar: Calendar, shifts: NDArray[np.str_], stream: np.random.Generator
) -> Spells:
    """Three sessions with breaks, and sometimes overtime after them."""
    persona, days = traits.persona, len(calendar)
    index = np.flatnonzero(shifts != OFF)
    start = np.array([SHIFT_STARTS.get(shift, persona.work_start) for shift in shifts])
    start = (start + 0.5 * min(traits.chronotype, 0.8) + stream.normal(0, 0.2, days))[index]
    hours = np.clip(stream.normal(persona.work_hours, 0.5, days), 1.5, 12)[index]
    extra = np.clip(stream.gamma(3.0, 0.5, days), 0.5, 4)[index]
    overtime = (stream.random(days) < persona.overtime_chance)[index]
    # Three sessions with breaks between them; what is over is what has been recorded.
    block = hours / 3
    begin = np.concatenate(
        [start, start + block + 0.25, start + 2 * block + 0.85, (start + hours + 1.0)[overtime]]
    )
    minutes = np.concatenate([block, block, block, extra[overtime]]) * 60
    day = np.concatenate([index, index, index, index[overtime]])
    is_overtime = np.concatenate([np.zeros(3 * len(index)), np.ones(int(overtime.sum()))])
    return Spells.of(calendar.instant(day, begin), np.round(minutes), is_overtime)


def _after_waking(woken_at: Seconds, hours: Floats) -> Seconds:
    return woken_at + (np.asarray(hours) * 60).astype(np.int64) * 60


def _draw_meals(woken_at: Seconds, stream: np.random.Generator) -> Spells:
    parts = []
    for kind, (hours, spread, chance, kcal) in enumerate(
        ((0.9, 0.3, 0.8, 420), (5.6, 0.6, 0.9, 680), (11.6, 0.9, 0.96, 780))
    ):
        eaten = stream.random(len(woken_at)) < chance
        at = _after_waking(woken_at, hours + stream.normal(0, spread, len(woken_at)).clip(-0.7, 3))
        energy = np.round(np.clip(stream.normal(kcal, 130, len(woken_at)), 120, 1800))
        parts.append((at[eaten], energy[eaten], np.full(eaten.sum(), float(kind))))
    starts, amounts, kinds = (np.concatenate(column) for column in zip(*parts, strict=True))
    return Spells.of(starts, np.zeros(len(starts)), amounts, kinds)


def _draw_coffees(
    traits: Traits, calendar: Calendar, woken_at: Seconds, stream: np.random.Generator
) -> Spells:
    persona, days = traits.persona, len(woken_at)
    cups = np.minimum(stream.poisson(persona.coffees, days), 5)
    starts, late = [], []
    for cup in range(5):
        drunk = cups > cup
        at = _after_waking(woken_at, 0.8 + 2.1 * cup + np.abs(stream.normal(0, 0.5, days)))
        starts.append(at[drunk])
    evening = stream.random(days) < persona.late_coffee_chance
    starts.append(_after_waking(woken_at, stream.normal(10.5, 0.8, days))[evening])
    begins = np.concatenate(starts)
    clock_hours = (begins + calendar.offset_at(begins)) % DAY / HOUR
    late = ((clock_hours >= 15) | (clock_hours < 3)).astype(float)
    dose = np.round(np.clip(stream.normal(85, 22, len(begins)), 30, 220))
    return Spells.of(begins, np.zeros(len(begins)), dose, late)


def _draw_drinks(traits: Traits, calendar: Calendar, sociable: Bools, stream: np.random.Generator) -> Spells:
    days = len(calendar)
    chance = traits.persona.drink_chance * np.where(sociable, 1.8, 0.6)
    index = np.flatnonzero(stream.random(days) < chance)
    at = calendar.instant(index, stream.normal(20.0, 0.8, days)[index])
    grams = np.round(np.clip(stream.gamma(2.2, traits.persona.drink_grams / 2.2, days), 6, 90)[index])
    return Spells.of(at, np.zeros(len(at)), grams)


def _draw_meetings(
    traits: Traits, calendar: Calendar, sociable: Bools, stream: np.random.Generator
) -> Spells:
    days = len(calendar)
    chance = np.clip(traits.persona.meetings * np.where(sociable, 1.35, 0.85), 0, 0.95)
    index = np.flatnonzero(stream.random(days) < chance)
    hours = np.where(sociable, stream.normal(15.5, 2.2, days), stream.normal(18.6, 1.2, days))[index]
    minutes = np.round(np.clip(stream.gamma(3.0, 35.0, days), 20, 360))[index]
    people = 1.0 + stream.poisson(1.5, days)[index].astype(np.float64)
    return Spells.of(calendar.instant(index, hours), minutes, people)


def _draw_workouts(
    traits: Traits, calendar: Calendar, shifts: NDArray[np.str_], stream: np.random.Generator
) -> Spells:
    persona, days = traits.persona, len(calendar)
    per_day = persona.workouts_per_week / 7
    trains = np.flatnonzero(stream.random(days) < min(per_day, 0.88))
    again = np.flatnonzero(stream.random(days) < max(0.0, per_day - 0.88))
    hours = np.where(shifts == OFF, stream.normal(10.8, 1.2, days), stream.normal(17.9, 1.0, days))
    index = np.concatenate([trains, again])
    begins = calendar.instant(index, np.concatenate([hours[trains], np.full(len(again), 7.4)]))
    minutes = np.round(np.clip(stream.normal(persona.workout_minutes, 13, len(index)), 15, 180))
    exertion = np.clip(np.round(stream.normal(persona.exertion, 1.3, len(index))), 1, 10)
    return Spells.of(begins, minutes, (minutes * exertion).astype(np.float64), exertion.astype(np.float64))


def _draw_meditations(traits: Traits, woken_at: Seconds, stream: np.random.Generator) -> Spells:
    sits = stream.random(len(woken_at)) < traits.persona.meditation_chance
    begins = _after_waking(woken_at, stream.normal(0.5, 0.1, len(woken_at)).clip(0.1, 1))[sits]
    return Spells.of(begins, np.round(stream.uniform(8, 30, len(begins))), np.ones(len(begins)))


def _draw_naps(traits: Traits, woken_at: Seconds, stream: np.random.Generator) -> Spells:
    naps = stream.random(len(woken_at)) < traits.persona.nap_chance
    begins = _after_waking(woken_at, stream.normal(7.2, 0.8, len(woken_at)))[naps]
    return Spells.of(
        begins, np.round(np.clip(stream.normal(42, 18, len(begins)), 12, 110)), np.ones(len(begins))
    )
