"""Recording: which events of which type a life leaves behind.

What energy and mood follow from is recorded as it was (rounded to its unit); what only correlates with it
(steps, heart rate, heart rate variability, screen time, weight) is drawn here, with its own noise.
"""

from __future__ import annotations

from uuid import uuid5

import numpy as np

from pipelines.ingestion.simulator.checkins import CheckIns
from pipelines.ingestion.simulator.gaps import MISHAPS, draw_abandonment, draw_arrivals, draw_gap_days
from pipelines.ingestion.simulator.lives import Life
from pipelines.ingestion.simulator.places import DAY, HOUR, Floats
from pipelines.ingestion.simulator.ratings import ENERGY, VALENCE, Scale
from pipelines.ingestion.simulator.records import BAND, PHONE, STATION, TRACKER, Payload, Record, Recorder
from pipelines.ingestion.simulator.specification import SIMULATED_LIVES, SimulationSpec

MEALS = ("breakfast", "lunch", "dinner")


def record_life(
    life: Life, checkins: CheckIns, spec: SimulationSpec, index: int, stream: np.random.Generator
) -> tuple[list[Record], CheckIns, list[str]]:
    """All records of one person in order of arrival, the check-ins among them, and those check-ins' forms."""
    days = len(life.calendar)
    ends_at = int(spec.ends_at.timestamp())
    starts_at = ends_at - spec.days * DAY
    recorder = Recorder(
        life.calendar,
        name=f"{spec.world}/{index}",
        starts_at=starts_at,
        ends_at=ends_at,
        stops_at=draw_abandonment(starts_at, ends_at, stream),
        not_worn=draw_gap_days(days, MISHAPS.not_worn, 1, 5, stream),
        app_unused=draw_gap_days(days, MISHAPS.app_unused, 2, 6, stream),
        stream=stream,
    )
    _record_sleep(recorder, life, stream)
    _record_body(recorder, life, stream)
    _record_days(recorder, life, stream)
    _record_consumption(recorder, life, stream)
    _record_surroundings(recorder, life)
    answered, forms = _record_checkins(recorder, checkins, stream)
    return recorder.finish(), answered, forms


def _minutes(values: Floats) -> list[float]:
    return [float(value) for value in np.round(values)]


def _record_sleep(recorder: Recorder, life: Life, stream: np.random.Generator) -> None:
    asleep, in_bed = np.round(life.asleep_minutes()), np.round(life.in_bed_minutes)
    deep = np.round(asleep * np.clip(stream.normal(0.17, 0.03, len(asleep)), 0.05, 0.3))
    rem = np.round(asleep * np.clip(stream.normal(0.22, 0.03, len(asleep)), 0.08, 0.35))
    quality = np.clip(np.round(9.0 - 0.045 * (in_bed - asleep) + stream.normal(0, 0.8, len(asleep))), 0, 10)
    missed = np.round(stream.uniform(15, 60, len(asleep)))

    def payloads(slept: Floats) -> list[Payload]:
        return [
            {
                "asleep_minutes": float(minutes),
                "in_bed_minutes": float(bed),
                "awake_minutes": float(bed - minutes),
                "deep_minutes": float(deep_sleep),
                "rem_minutes": float(rem_sleep),
                "light_minutes": float(max(0.0, minutes - deep_sleep - rem_sleep)),
                "efficiency_percent": float(np.round(100 * minutes / bed, 1)),
                "quality": float(felt),
            }
            for minutes, bed, deep_sleep, rem_sleep, felt in zip(
                slept, in_bed, deep, rem, quality, strict=True
            )
        ]

    recorder.record(
        "sleep.recorded",
        life.asleep_from,
        payloads(asleep),
        ends=life.woken_at,
        source=BAND,
        usual_minutes=8.0,
        provisional=payloads(np.maximum(asleep - missed, 30.0)),
    )
    naps = [{"asleep_minutes": minutes, "is_nap": True} for minutes in _minutes(life.naps.minutes)]
    # A nap's id must not meet that of a night: they are numbered in one series per name.
    recorder.record(
        "sleep.recorded",
        life.naps.starts,
        naps,
        ends=life.naps.ends,
        source=BAND,
        usual_minutes=8.0,
        series="nap",
    )


def _record_body(recorder: Recorder, life: Life, stream: np.random.Generator) -> None:
    traits, days = life.traits, len(life.woken_at)
    strain = 0.05 * life.alcohol_at_bedtime() + 0.8 * life.stress_drift - 1.2 * life.energy_drift
    bpm = np.round(np.clip(traits.resting_bpm + strain + stream.normal(0, 1.5, days), 36, 110))
    rmssd = np.round(
        np.clip(traits.rmssd_ms * np.exp(-0.05 * strain + stream.normal(0, 0.12, days)), 8, 220), 1
    )
    resting = [{"bpm": float(value), "is_resting": True} for value in bpm]
    recorder.record("heart_rate.measured", life.woken_at, resting, source=BAND, usual_minutes=8.0)
    recorder.record(
        "hrv.measured", life.woken_at, [{"rmssd_ms": float(v)} for v in rmssd], source=BAND, usual_minutes=8.0
    )
    monday = np.flatnonzero(life.calendar.weekday == 0)
    weight = np.round(traits.weight_kg + np.cumsum(stream.normal(0, 0.25, len(monday))), 1)
    recorder.record(
        "weight.measured",
        life.woken_at[monday] + 900,
        [{"weight_kg": float(v)} for v in weight],
        source=PHONE,
    )
    if traits.takes_medication:
        pill = {"name": "levothyroxine", "dose": 75.0, "unit": "ug"}
        recorder.record("medication.taken", life.woken_at + 600, [pill] * days, source=PHONE)


def _record_days(recorder: Recorder, life: Life, stream: np.random.Generator) -> None:
    work, workouts, meetings = life.work, life.workouts, life.meetings
    recorder.record(
        "work.recorded",
        work.starts,
        [
            {"duration_minutes": minutes, "is_overtime": bool(extra)}
            for minutes, extra in zip(_minutes(work.minutes), work.amount, strict=True)
        ],
        ends=work.ends,
        source=TRACKER,
    )
    vigorous = np.clip((workouts.kind - 4) / 5, 0, 1) * workouts.minutes
    sessions = [
        {
            "kind": "training",
            "duration_minutes": minutes,
            "load": float(load),
            "moderate_minutes": float(np.round(minutes - hard)),
            "vigorous_minutes": float(np.round(hard)),
        }
        for minutes, load, hard in zip(_minutes(workouts.minutes), workouts.amount, vigorous, strict=True)
    ]
    shorter = [
        session | {"duration_minutes": max(5.0, session["duration_minutes"] - 10)} for session in sessions
    ]
    recorder.record(
        "exercise.recorded",
        workouts.starts,
        sessions,
        ends=workouts.ends,
        source=BAND,
        usual_minutes=4.0,
        provisional=shorter,
    )
    recorder.record(
        "social.met",
        meetings.starts,
        [
            {"duration_minutes": minutes, "people_count": int(people)}
            for minutes, people in zip(_minutes(meetings.minutes), meetings.amount, strict=True)
        ],
        ends=meetings.ends,
        source=PHONE,
        usual_minutes=6.0,
    )
    calm = life.meditations
    recorder.record(
        "meditation.practised",
        calm.starts,
        [{"duration_minutes": minutes} for minutes in _minutes(calm.minutes)],
        ends=calm.ends,
        source=PHONE,
    )
    rises, rests = life.woken_at[:-1], life.asleep_from[1:] - 60
    awake_hours = (rests - rises) / HOUR
    trained = np.array(
        [
            workouts.minutes[(workouts.starts >= a) & (workouts.ends < b)].sum()
            for a, b in zip(rises, rests, strict=True)
        ]
    )
    steps = np.clip(stream.gamma(9, 45, len(rises)) * awake_hours + 90 * trained, 300, 60_000)
    recorder.record(
        "steps.counted",
        rises,
        [{"steps": int(count)} for count in steps],
        ends=rests,
        source=BAND,
        usual_minutes=8.0,
    )
    screen = np.round(np.clip(stream.normal(190, 60, len(rises)), 20, 600))
    if life.traits.shares_screen_time:
        used = [{"duration_minutes": float(minutes)} for minutes in screen]
        recorder.record("screen_time.recorded", rises, used, ends=rests, source=BAND, usual_minutes=8.0)
    planned = work.starts[(stream.random(len(work.starts)) < 0.25) & life.traits.shares_calendar]
    recorder.record(
        "calendar.scheduled",
        planned + HOUR,
        [{"duration_minutes": 45.0, "kind": "meeting"}] * len(planned),
        ends=planned + HOUR + 2700,
        known=planned - DAY,
        source=PHONE,
    )


def _record_consumption(recorder: Recorder, life: Life, stream: np.random.Generator) -> None:
    recorder.record(
        "meal.eaten",
        life.meals.starts,
        [
            {"kind": MEALS[int(kind)], "energy_kcal": float(kcal)}
            for kind, kcal in zip(life.meals.kind, life.meals.amount, strict=True)
        ],
        source=PHONE,
    )
    recorder.record(
        "caffeine.consumed",
        life.coffees.starts,
        [{"caffeine_mg": float(mg)} for mg in life.coffees.amount],
        source=PHONE,
    )
    recorder.record(
        "alcohol.consumed",
        life.drinks.starts,
        [{"alcohol_g": float(g)} for g in life.drinks.amount],
        source=PHONE,
    )
    volume = np.round(np.clip(stream.normal(1100, 300, len(life.woken_at)), 200, 3000))
    if life.traits.logs_drinking:
        drunk = [{"volume_ml": float(ml)} for ml in volume]
        recorder.record("hydration.drunk", life.woken_at + 10 * HOUR, drunk, source=PHONE)


def _record_surroundings(recorder: Recorder, life: Life) -> None:
    calendar = life.calendar
    day = np.arange(len(calendar))
    observed = [
        {
            "temperature_c": float(weather.temperature_c[at]),
            "precipitation_mm": float(weather.precipitation_mm[at]),
            "cloud_cover_percent": float(weather.cloud_percent[at]),
            "pressure_hpa": float(weather.pressure_hpa[at]),
            "daylight_minutes": float(np.round(60 * weather.daylight_hours[at])),
        }
        for at, weather in enumerate(calendar.weather)
    ]
    recorder.record(
        "weather.observed", calendar.instant(day, np.full(len(day), 5.0)), observed, source=STATION
    )


def _record_checkins(
    recorder: Recorder, checkins: CheckIns, stream: np.random.Generator
) -> tuple[CheckIns, list[str]]:
    """One form per check-in: its items a few seconds apart, arriving together, now and then corrected."""
    arrivals = draw_arrivals(checkins.at + 15, 0.4, stream)
    slipped = stream.random(len(checkins)) < MISHAPS.corrected
    slips = [
        _slip(given, scale, stream)
        for scale, given in ((ENERGY, checkins.energy), (VALENCE, checkins.valence))
    ]
    fixed = arrivals + 30 + stream.exponential(900, len(checkins)).astype(np.int64)
    kept = recorder.is_open(checkins.at, checkins.at, PHONE) & (arrivals <= recorder.ends_at)
    forms = []
    for at in np.flatnonzero(kept):
        form = str(uuid5(SIMULATED_LIVES, f"{recorder.name}/form/{int(checkins.at[at])}"))
        forms.append(form)
        answers: list[tuple[str, Payload, Payload]] = [
            (
                "energy.rated",
                {"energy": float(checkins.energy[at])},
                {"energy": float(slips[0][at])},
            ),
            (
                "mood.rated",
                {"valence": float(checkins.valence[at])},
                {"valence": float(slips[1][at])},
            ),
        ]
        if not np.isnan(checkins.stress[at]):
            answers.append(("stress.rated", {"stress": float(checkins.stress[at])}, {}))
        is_slip = bool(slipped[at]) and fixed[at] <= recorder.ends_at
        recorder.record_form(
            int(checkins.at[at]), int(arrivals[at]), form, answers, int(fixed[at]) if is_slip else None
        )
    return checkins.keep(kept), forms


def _slip(given: Floats, scale: Scale, stream: np.random.Generator) -> Floats:
    """Other values on the same slider, clearly off what was meant."""
    steps = np.round((scale.high - scale.low) / scale.step)
    meant = np.round((given - scale.low) / scale.step)
    slipped = (meant + np.round(stream.uniform(0.1, 0.9, len(given)) * steps)) % steps
    return np.round(scale.low + slipped * scale.step, 6)
