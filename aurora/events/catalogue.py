"""The event catalogue: every kind of life event that AURORA understands.

To accept a new kind of event, add its payload to `payloads.py` and one entry here. The API, the importers,
the streams, dbt's staging and the docs read this catalogue; nothing else lists events.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from aurora.errors import CatalogueConflictError, UnknownEventTypeError
from aurora.events import payloads
from aurora.events.measures import COUNT, DAYPARTS, DURATION, Measure
from aurora.events.mood_classes import MOOD_CLASSES


@dataclass(frozen=True)
class EventType:
    """One kind of event: its name, payload, meaning, and the measures read from it."""

    name: str
    payload: type[payloads.Payload]
    description: str
    measures: tuple[Measure, ...] = ()
    schema_version: int = 1
    ends_on_its_day: bool = False
    """Sleep belongs to the local day of waking; everything else to the day on which it starts."""
    is_reconciled: bool = False
    """A person has one at a time: of two sources that tell of the same one, one counts (`reconciliation`)."""
    kept_apart_by: tuple[str, ...] = ()
    """Flags of the payload that two reports of the same one must agree in."""

    @property
    def noun(self) -> str:
        """The first half of the name: `sleep` of `sleep.recorded`."""
        return self.name.split(".")[0]

    @property
    def is_rating(self) -> bool:
        """Whether a person says how they are."""
        return self.name.endswith(".rated")

    @cached_property
    def json_schema(self) -> dict[str, Any]:
        return self.payload.model_json_schema()


def _by_daypart(measure: Measure) -> tuple[Measure, ...]:
    return (measure, *(measure.of_daypart(daypart) for daypart in DAYPARTS))


def _minutes(name: str, field: str, description: str, **options: Any) -> Measure:
    return Measure(name, field, "min", "sum", description, **options)


def _of_night(measure: Measure) -> Measure:
    """The same measure, of the main sleep only."""
    return replace(measure, description=f"{measure.description}, naps left out", only_if="not is_nap")


_VALENCE = Measure("mood", "valence", "valence", "mean", "Mood valence, −1 to 1")

_ENTRIES = (
    EventType(
        "sleep.recorded",
        payloads.Sleep,
        "A night's sleep or a nap, from falling asleep to waking up.",
        (
            _minutes("sleep_minutes", "asleep_minutes", "Time asleep, naps included"),
            _of_night(_minutes("main_sleep_minutes", "asleep_minutes", "Time asleep")),
            _minutes("nap_minutes", "asleep_minutes", "Time asleep in naps", only_if="is_nap"),
            _of_night(_minutes("sleep_deep_minutes", "deep_minutes", "Deep sleep")),
            _of_night(_minutes("sleep_rem_minutes", "rem_minutes", "REM sleep")),
            _of_night(_minutes("sleep_awake_minutes", "awake_minutes", "Awake after sleep onset")),
            _of_night(
                Measure("sleep_efficiency", "efficiency_percent", "%", "mean", "Asleep share of time in bed")
            ),
            _of_night(Measure("sleep_quality", "quality", "points", "mean", "Own rating of the sleep, 0–10")),
        ),
        ends_on_its_day=True,
        is_reconciled=True,
        kept_apart_by=("is_nap",),
    ),
    EventType(
        "exercise.recorded",
        payloads.Exercise,
        "A workout or a training session.",
        (
            _minutes("exercise_minutes", "duration_minutes", "Time exercised", or_duration=True),
            Measure("exercise_load", "load", "RPE·min", "sum", "Training load: session RPE × minutes"),
            _minutes("exercise_moderate_minutes", "moderate_minutes", "Moderate activity"),
            _minutes("exercise_vigorous_minutes", "vigorous_minutes", "Vigorous activity"),
            _minutes(
                "active_minutes",
                "duration_minutes",
                "Moderate + 2 × vigorous activity; of a workout that tells neither, all of its time",
                or_duration=True,
                or_sum_of=(("moderate_minutes", 1), ("vigorous_minutes", 2)),
            ),
        ),
        is_reconciled=True,
    ),
    EventType(
        "steps.counted",
        payloads.Steps,
        "Steps over a span of time.",
        (Measure("steps", "steps", "steps", "sum", "Steps", scale=1),),
    ),
    EventType(
        "work.recorded",
        payloads.Work,
        "Time spent working.",
        (_minutes("work_minutes", "duration_minutes", "Time worked"),),
    ),
    EventType(
        "meal.eaten",
        payloads.Meal,
        "A meal or a snack.",
        (
            Measure("meals", COUNT, "meals", "sum", "Meals and snacks", scale=1),
            Measure("meal_energy", "energy_kcal", "kcal", "sum", "Energy eaten"),
        ),
    ),
    EventType(
        "hydration.drunk",
        payloads.Hydration,
        "Something drunk.",
        (Measure("hydration", "volume_ml", "ml", "sum", "Volume drunk"),),
    ),
    EventType(
        "caffeine.consumed",
        payloads.Caffeine,
        "Caffeine taken in.",
        _by_daypart(Measure("caffeine", "caffeine_mg", "mg", "sum", "Caffeine")),
    ),
    EventType(
        "alcohol.consumed",
        payloads.Alcohol,
        "Alcohol taken in.",
        (Measure("alcohol", "alcohol_g", "g", "sum", "Pure alcohol"),),
    ),
    EventType(
        "social.met",
        payloads.Social,
        "Time with other people.",
        (
            Measure("social_events", COUNT, "events", "sum", "Social events", scale=1),
            _minutes("social_minutes", "duration_minutes", "Time with others", or_duration=True),
        ),
    ),
    EventType(
        "mood.rated",
        payloads.Mood,
        "How the person feels; several a day are welcome.",
        (*_by_daypart(_VALENCE), *(_VALENCE.of_mood_class(mood) for mood in MOOD_CLASSES)),
    ),
    EventType(
        "energy.rated",
        payloads.Energy,
        "How much energy the person has, 0 to 10.",
        _by_daypart(Measure("energy", "energy", "points", "mean", "Energy rating, 0–10")),
    ),
    EventType(
        "stress.rated",
        payloads.Stress,
        "How stressed the person is, 0 to 10.",
        (Measure("stress", "stress", "points", "mean", "Stress rating, 0–10"),),
    ),
    EventType(
        "weather.observed",
        payloads.Weather,
        "The weather where the person is.",
        (
            Measure("temperature", "temperature_c", "°C", "mean", "Air temperature"),
            Measure("precipitation", "precipitation_mm", "mm", "sum", "Precipitation"),
            Measure("daylight_minutes", "daylight_minutes", "min", "last", "Time between sunrise and sunset"),
            Measure("cloud_cover", "cloud_cover_percent", "%", "mean", "Cloud cover"),
        ),
    ),
    EventType(
        "heart_rate.measured",
        payloads.HeartRate,
        "A heart rate.",
        (Measure("resting_heart_rate", "bpm", "bpm", "mean", "Resting heart rate", only_if="is_resting"),),
    ),
    EventType(
        "hrv.measured",
        payloads.HeartRateVariability,
        "Heart-rate variability (RMSSD).",
        (Measure("hrv", "rmssd_ms", "ms", "mean", "Heart-rate variability, RMSSD"),),
    ),
    EventType(
        "weight.measured",
        payloads.Weight,
        "Body weight.",
        (Measure("weight", "weight_kg", "kg", "last", "Body weight"),),
    ),
    EventType(
        "medication.taken",
        payloads.Medication,
        "A dose of a medicine.",
        (Measure("medication_doses", COUNT, "doses", "sum", "Doses taken", scale=1),),
    ),
    EventType(
        "screen_time.recorded",
        payloads.Timed,
        "Time in front of a screen.",
        (_minutes("screen_minutes", "duration_minutes", "Screen time"),),
    ),
    EventType(
        "meditation.practised",
        payloads.Timed,
        "Time meditated.",
        (_minutes("meditation_minutes", "duration_minutes", "Time meditated"),),
    ),
    EventType(
        "calendar.scheduled",
        payloads.Calendar,
        "An appointment in a calendar.",
        (
            Measure("appointments", COUNT, "events", "sum", "Appointments", scale=1),
            _minutes("appointment_minutes", "duration_minutes", "Time in appointments", or_duration=True),
        ),
    ),
    EventType("note.written", payloads.Note, "A note or journal entry; its text is stored encrypted."),
    EventType("custom.recorded", payloads.Custom, "Anything else, with a name, a value and a unit."),
)


def _index() -> tuple[dict[str, EventType], dict[str, tuple[EventType, Measure]]]:
    types: dict[str, EventType] = {}
    measures: dict[str, tuple[EventType, Measure]] = {}
    for entry in _ENTRIES:
        if entry.name in types:
            raise CatalogueConflictError(f"two event types are called {entry.name!r}")
        types[entry.name] = entry
        for measure in entry.measures:
            if measure.name in measures:
                raise CatalogueConflictError(f"two measures are called {measure.name!r}")
            if measure.lies_in and not entry.is_rating:
                raise CatalogueConflictError(
                    f"{measure.name!r} would lie in the tile of {measure.lies_in!r}: only tiles of ratings have room"
                )
            measures[measure.name] = (entry, measure)
    return types, measures


EVENT_TYPES, _MEASURES = _index()
MEASURES: dict[str, Measure] = {name: measure for name, (_, measure) in _MEASURES.items()}
TYPE_OF_MEASURE: dict[str, EventType] = {name: entry for name, (entry, _) in _MEASURES.items()}


def event_type(name: str) -> EventType:
    """The catalogue entry called `name`, or UnknownEventTypeError."""
    try:
        return EVENT_TYPES[name]
    except KeyError:
        raise UnknownEventTypeError(name) from None


__all__ = ["DURATION", "EVENT_TYPES", "MEASURES", "TYPE_OF_MEASURE", "EventType", "event_type"]
