"""Personas: the kinds of lives that are simulated, as data. To add a kind, add an entry and its share."""

from __future__ import annotations

from dataclasses import dataclass

OFF = ""
EARLY, LATE, NIGHT, DAY = "early", "late", "night", "day"


@dataclass(frozen=True)
class Persona:
    """How a kind of person lives. Hours are wall-clock hours; a bedtime of −1.0 is 23:00 the day before."""

    name: str
    description: str
    bedtime: float = -0.9
    bedtime_sd: float = 0.75
    weekend_delay: float = 0.8
    """Hours later to bed before a free day."""
    free_sleep: float = 8.2
    """Hours in bed when nothing wakes the person."""
    efficiency: float = 0.91
    nap_chance: float = 0.04
    work_week: tuple[str, ...] = (DAY, DAY, DAY, DAY, DAY, OFF, OFF)
    """One entry a day, repeated; of length 7 it starts on Monday."""
    work_start: float = 9.0
    work_hours: float = 7.6
    overtime_chance: float = 0.12
    workouts_per_week: float = 2.2
    workout_minutes: float = 42.0
    exertion: float = 5.0
    """Session RPE, 0 to 10."""
    coffees: float = 2.0
    late_coffee_chance: float = 0.15
    drink_chance: float = 0.18
    drink_grams: float = 20.0
    meetings: float = 0.55
    """Social contacts a day."""
    meditation_chance: float = 0.05
    energy_shift: float = 0.0
    """How the kind differs in its persistent mean energy, beyond what its days explain."""
    valence_shift: float = 0.0
    stress_mean: float = 3.4


REGULAR = Persona("regular", "Works days, sleeps regular hours.", bedtime_sd=0.55)
SHORT_SLEEPER = Persona(
    "short_sleeper",
    "Goes to bed late and gets up early every day.",
    bedtime=0.5,
    weekend_delay=0.4,
    free_sleep=6.6,
    work_start=8.0,
    coffees=3.2,
    late_coffee_chance=0.3,
)
SHIFT_WORKER = Persona(
    "shift_worker",
    "Rotates through early, late and night shifts.",
    bedtime_sd=0.85,
    weekend_delay=0.0,
    efficiency=0.88,
    nap_chance=0.16,
    work_week=(EARLY, EARLY, LATE, LATE, NIGHT, NIGHT, OFF, OFF),
    work_hours=7.8,
    overtime_chance=0.08,
    coffees=2.8,
    late_coffee_chance=0.35,
    workouts_per_week=1.6,
    stress_mean=4.0,
)
WEEKEND_CATCH_UP = Persona(
    "weekend_catch_up",
    "Short nights on working days, long ones at the weekend.",
    bedtime=0.2,
    weekend_delay=1.4,
    free_sleep=9.8,
    work_start=8.0,
    coffees=2.6,
    drink_chance=0.24,
)
ATHLETE = Persona(
    "athlete",
    "Trains almost daily, works part time.",
    bedtime=-1.6,
    bedtime_sd=0.55,
    weekend_delay=0.4,
    free_sleep=8.8,
    efficiency=0.92,
    nap_chance=0.18,
    work_hours=4.5,
    work_start=10.0,
    overtime_chance=0.02,
    workouts_per_week=7.5,
    workout_minutes=75.0,
    exertion=6.2,
    coffees=1.4,
    late_coffee_chance=0.05,
    drink_chance=0.05,
    energy_shift=0.3,
    valence_shift=0.04,
    stress_mean=3.1,
)
NEW_PARENT = Persona(
    "new_parent",
    "Broken nights with a baby.",
    bedtime=-1.6,
    bedtime_sd=0.95,
    weekend_delay=0.1,
    free_sleep=8.0,
    efficiency=0.76,
    nap_chance=0.28,
    workouts_per_week=0.9,
    coffees=2.8,
    meetings=0.45,
    drink_chance=0.06,
    valence_shift=0.05,
    stress_mean=3.8,
)
NIGHT_OWL = Persona(
    "night_owl",
    "Lives late: to bed around two, work from eleven.",
    bedtime=1.9,
    weekend_delay=0.7,
    work_start=11.0,
    late_coffee_chance=0.3,
    drink_chance=0.24,
    meetings=0.65,
)
HIGH_STRESS = Persona(
    "high_stress",
    "Long working days, much overtime, little contact.",
    bedtime=0.0,
    free_sleep=7.8,
    efficiency=0.87,
    work_hours=9.6,
    work_start=8.3,
    overtime_chance=0.45,
    workouts_per_week=1.2,
    coffees=3.4,
    late_coffee_chance=0.35,
    drink_chance=0.26,
    meetings=0.35,
    valence_shift=-0.06,
    stress_mean=4.9,
)
MINDFUL = Persona(
    "mindful",
    "Meditates, walks, meets people; works part time.",
    bedtime=-1.5,
    bedtime_sd=0.55,
    work_week=(DAY, DAY, DAY, DAY, OFF, OFF, OFF),
    work_hours=6.0,
    overtime_chance=0.03,
    workouts_per_week=3.2,
    exertion=3.8,
    coffees=0.8,
    late_coffee_chance=0.03,
    drink_chance=0.06,
    meetings=0.9,
    meditation_chance=0.7,
    valence_shift=0.05,
    stress_mean=2.8,
)

# Twenty slots, taken in turn by index: every kind is there from twelve people on, and who person 5 is does
# not depend on how many people are simulated.
_SLOTS = (
    REGULAR, SHORT_SLEEPER, SHIFT_WORKER, WEEKEND_CATCH_UP, ATHLETE, NEW_PARENT, NIGHT_OWL, HIGH_STRESS,
    REGULAR, MINDFUL, WEEKEND_CATCH_UP, REGULAR, SHORT_SLEEPER, NIGHT_OWL, HIGH_STRESS, SHIFT_WORKER,
    REGULAR, ATHLETE, NEW_PARENT, WEEKEND_CATCH_UP,
)  # fmt: skip

PERSONAS: tuple[Persona, ...] = tuple(dict.fromkeys(_SLOTS))


def persona_of(index: int) -> Persona:
    """The kind of life of person number `index`."""
    return _SLOTS[index % len(_SLOTS)]
