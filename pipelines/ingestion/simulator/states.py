"""States: where a person stands at an instant in everything that moves energy and mood.

A state is read off a life. What a person does acts from its end on, when it can be recorded: nothing works
before it can be known. Each field is an array with one value per instant, so that one function serves a
single moment and a whole population alike.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Self

import numpy as np

from pipelines.ingestion.simulator.lives import CAFFEINE_HALF_LIFE_HOURS, SLEEP_LOST_PER_MG, Life, Spells
from pipelines.ingestion.simulator.places import DAY, HOUR, Floats, Seconds

DEBT_NIGHTS = 7


@dataclass(frozen=True)
class State:
    """The full causal state. The traits and the three drifts are latent; all else is recorded as events."""

    # Sleep and body clock
    clock_hour: Floats
    """Local clock time as the body keeps it: shifted by chronotype and by an unfinished jet lag."""
    hours_awake: Floats
    asleep_hours: Floats
    """Of the last main sleep."""
    awake_minutes: Floats
    """Awake in bed, last main sleep."""
    sleep_debt: Floats
    """Mean hours short of the person's need over the last seven nights."""
    nap: Floats
    late_caffeine_at_bedtime: Floats
    """mg from coffees after 15:00 still active when the last sleep began."""
    # What was done
    load: Floats
    """Acute training load: session RPE × minutes, fading with a time constant of a day."""
    exercise_lift: Floats
    weekly_minutes: Floats
    work_hours: Floats
    """Finished since waking."""
    caffeine: Floats
    """mg active now."""
    late_caffeine: Floats
    """The part of it from coffees after 15:00."""
    alcohol_now: Floats
    alcohol_before: Floats
    """g that weigh on the day after."""
    social: Floats
    isolation: Floats
    hunger: Floats
    meditation: Floats
    # Surroundings
    daylight: Floats
    wet: Floats
    cloud: Floats
    discomfort: Floats
    """Degrees outside 10 to 26 °C."""
    weekend: Floats
    # Latent
    stress: Floats
    """Before it is cut to 0–10. Mostly made of what is recorded; its drift shows in earlier ratings."""
    energy_drift: Floats
    valence_drift: Floats
    energy_mean: Floats
    valence_mean: Floats
    sleep_need: Floats
    sleep_sensitivity: Floats
    stress_sensitivity: Floats
    social_sensitivity: Floats

    def take(self, rows: np.ndarray) -> Self:
        return type(self)(**{field.name: getattr(self, field.name)[rows] for field in fields(self)})


def state_at(life: Life, instants: Seconds) -> State:
    """Read a life at instants at which the person is awake."""
    traits, calendar = life.traits, life.calendar
    count = len(instants)
    day = calendar.day_of(instants)
    night = np.clip(np.searchsorted(life.woken_at, instants, side="right") - 1, 0, None)
    asleep = life.asleep_minutes() / 60.0
    short = np.maximum(0.0, traits.sleep_need - asleep)
    debt = np.array([short[max(0, last - DEBT_NIGHTS + 1) : last + 1].mean() for last in range(len(short))])
    awake_since = life.woken_at[night]

    active = caffeine_active(_hours_since(instants, life.coffees.starts))
    drink_hours = _hours_since(instants, life.drinks.starts)
    workout_hours = _hours_since(instants, life.workouts.ends)
    effort = 1.0 - np.exp(-life.workouts.minutes / 20.0)
    social = np.minimum(_social(life.meetings, instants), 1.2)
    meal_hours = _hours_since(instants, life.meals.starts)
    since_meal = np.where(meal_hours >= 0, meal_hours, np.inf).min(axis=1, initial=48.0)
    meditated = _within(_hours_since(instants, life.meditations.ends), 0, 16).max(axis=1, initial=0.0)
    work = _finished_hours(life.work, awake_since, instants)
    overtime = _within(_hours_since(instants, life.work.ends), 0, 24) @ life.work.amount
    debt_now = debt[night]
    stress = (
        traits.stress_mean
        + life.stress_drift[day]
        + 0.28 * work
        + 0.9 * np.minimum(overtime, 1.0)
        + stress_from_debt(debt_now - 0.8)
        - 0.8 * social
        - 0.6 * meditated
    )
    weather = calendar.weather
    return State(
        clock_hour=((instants + calendar.offset_at(instants)) % DAY) / HOUR
        + calendar.body_lag[day]
        - body_phase(life),
        hours_awake=(instants - awake_since) / HOUR,
        asleep_hours=asleep[night],
        awake_minutes=(life.in_bed_minutes - asleep * 60.0)[night],
        sleep_debt=debt_now,
        nap=np.exp(-np.maximum(_hours_since(instants, life.naps.ends), 0) / 3.0)[:, :].max(
            axis=1, initial=0.0, where=_hours_since(instants, life.naps.ends) > 0
        ),
        late_caffeine_at_bedtime=life.caffeine_at_bedtime(only_late=True)[night],
        load=_fading(workout_hours, 24.0) @ life.workouts.amount,
        exercise_lift=_fading(workout_hours, 2.5) @ effort,
        weekly_minutes=_within(workout_hours, 0, 168) @ life.workouts.minutes,
        work_hours=work,
        caffeine=active @ life.coffees.amount,
        late_caffeine=active @ (life.coffees.amount * (life.coffees.kind > 0)),
        alcohol_now=_fading(drink_hours, 3.0) @ life.drinks.amount,
        alcohol_before=np.where(drink_hours > 4, np.exp(-0.5 * ((drink_hours - 13) / 4.0) ** 2), 0.0)
        @ life.drinks.amount,
        social=social,
        isolation=np.exp(-_within(_hours_since(instants, life.meetings.ends), 0, 72).sum(axis=1)),
        hunger=np.clip(since_meal - 4.0, 0, 5),
        meditation=meditated,
        daylight=np.array([weather[d].daylight_hours[d] for d in day]),
        wet=np.array([weather[d].is_wet[d] for d in day]),
        cloud=np.array([weather[d].cloud_percent[d] for d in day]) / 100.0,
        discomfort=np.array([max(0.0, abs(weather[d].temperature_c[d] - 18) - 8) for d in day]),
        weekend=(calendar.weekday[day] >= 5).astype(float),
        stress=stress,
        energy_drift=life.energy_drift[day],
        valence_drift=life.valence_drift[day],
        energy_mean=np.full(count, traits.energy_mean),
        valence_mean=np.full(count, traits.valence_mean),
        sleep_need=np.full(count, traits.sleep_need),
        sleep_sensitivity=np.full(count, traits.sleep_sensitivity),
        stress_sensitivity=np.full(count, traits.stress_sensitivity),
        social_sensitivity=np.full(count, traits.social_sensitivity),
    )


def body_phase(life: Life) -> float:
    """Hours by which the person's rhythm runs late: half of how late the usual middle of sleep is."""
    middle = life.woken_at // 2 + life.asleep_from // 2
    clock_hours = (middle + life.calendar.offset_at(middle)) % DAY / HOUR
    late = np.median((clock_hours + 12) % 24 - 12) - 3.0
    return float(np.clip(0.5 * late, -1.5, 2.5))


def stress_from_debt(debt: Floats) -> Floats:
    """Points of stress that hours of sleep debt add."""
    return 0.4 * debt


def sleep_lost_to(caffeine_mg: Floats) -> Floats:
    """Hours of sleep that caffeine active at bedtime takes."""
    return SLEEP_LOST_PER_MG * caffeine_mg / 60.0


def caffeine_active(hours: Floats) -> Floats:
    """The share of a coffee that acts so many hours after it."""
    since = np.maximum(hours, 0)
    halved = np.where(hours > 0, 0.5 ** (since / CAFFEINE_HALF_LIFE_HOURS), 0.0)
    return halved * (1.0 - np.exp(-since / 0.4))


def _hours_since(instants: Seconds, events: Seconds) -> Floats:
    return (instants[:, None] - events[None, :]) / HOUR


def _fading(hours: Floats, lasts: float) -> Floats:
    return np.where(hours >= 0, np.exp(-np.maximum(hours, 0) / lasts), 0.0)


def _within(hours: Floats, low: float, high: float) -> Floats:
    return ((hours >= low) & (hours < high)).astype(float)


def _social(meetings: Spells, instants: Seconds) -> Floats:
    """Contact lifts for some hours, the more the longer it was."""
    return _fading(_hours_since(instants, meetings.ends), 6.0) @ (1.0 - np.exp(-meetings.minutes / 60.0))


def _finished_hours(spells: Spells, since: Seconds, until: Seconds) -> Floats:
    done = (spells.starts[None, :] >= since[:, None]) & (spells.ends[None, :] <= until[:, None])
    return done.astype(float) @ spells.minutes / 60.0
