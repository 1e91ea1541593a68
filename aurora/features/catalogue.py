"""The feature catalogue: each feature once, as data. This is the one definition.

To add a feature, add one entry here and run `make generate`: the SQL of the warehouse, the live vector, the
docs, the API and the models' signature all follow from the entry. Nothing else lists features.

A formula reads windows of tiles (at most 28 local days), the person's clock, or both. Nothing later than the
row's `as_of` can enter: the engines see only tiles that were known by then.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final, Literal

from aurora.errors import CatalogueConflictError, UnknownFeatureError
from aurora.events.measures import DAYPARTS
from aurora.events.mood_classes import MOOD_CLASS_NAMES
from aurora.features.clocks import DAY_OF_WEEK, HOUR_OF_DAY, IS_WEEKEND, Clock
from aurora.features.expressions import Expression, choose, exp
from aurora.features.three_process import energy_prior
from aurora.features.tiles import LIVE_DAYS
from aurora.features.windows import Window

Domain = Literal["clock", "sleep", "activity", "intake", "ratings", "moods", "surroundings"]

DOMAINS: Final[dict[Domain, str]] = {
    "clock": "What the person's clock says",
    "sleep": "Sleep, and what it lets one expect",
    "activity": "Exercise, work and company",
    "intake": "Meals, caffeine and alcohol",
    "ratings": "The person's own earlier ratings of energy and stress",
    "moods": "The person's own earlier moods",
    "surroundings": "Weather and light",
}

SETS_VERSION: Final = "4"
"""Raise it when the meaning of a set changes; it is part of every data version."""


@dataclass(frozen=True)
class Feature:
    """One number about a person at `as_of`; missing when the person's events do not say it."""

    name: str
    domain: Domain
    formula: Expression
    unit: str
    description: str
    owner: str = "features"
    version: int = 1

    @property
    def windows(self) -> tuple[Window, ...]:
        return tuple(leaf for leaf in self.formula.leaves() if isinstance(leaf, Window))

    @property
    def clocks(self) -> tuple[Clock, ...]:
        return tuple(leaf for leaf in self.formula.leaves() if isinstance(leaf, Clock))


def _at_this_part_of_day(measure: str, aggregate: str, days: int) -> Expression:
    """The window of the measure's own part of day in which the row's hour lies."""
    return choose(
        HOUR_OF_DAY,
        *(
            (first, last, Window(f"{measure}_{part}", aggregate, days))
            for part, (first, last) in DAYPARTS.items()
        ),
    )


def _usual(measure: str) -> Window:
    """What a person usually has of it on a day with any: over four weeks, today (which is not over) left out."""
    return Window(measure, "daily", LIVE_DAYS - 1, lag=1)


SLEEP_NEED_MINUTES: Final = 480
"""Eight hours: the middle of the 7–9 h that the National Sleep Foundation recommends for adults."""

_HOURS_AWAKE = Window("main_sleep_minutes", "hours_since", 3)
_LAST_SLEEP = Window("main_sleep_minutes", "last", 3)
_NIGHTS = Window("sleep_minutes", "days", 7)
_SINCE_CAFFEINE = Window("caffeine", "hours_since", 3)
_SINCE_COMPANY = Window("social_minutes", "hours_since", 3)

CAFFEINE_HALF_LIFE_HOURS: Final = 5.0
"""Mean of healthy adults (Institute of Medicine, Caffeine for the Sustainment of Mental Task Performance, 2001)."""

COMPANY_LASTS_HOURS: Final = 6.0
"""How slowly time with others is taken to fade: part of a day (a choice, not a published constant)."""

_ENTRIES = (
    # The seed's names are kept to the letter, whatever the naming rule.
    Feature("hour_of_day", "clock", HOUR_OF_DAY, "hour of day", "Local hour, with minutes as a fraction."),
    Feature("day_of_week", "clock", DAY_OF_WEEK, "day", "Local day of the week, Monday is 1."),
    Feature("is_weekend", "clock", IS_WEEKEND, "0/1", "1 on Saturday and Sunday."),
    Feature(
        "time_since_last_sleep",
        "sleep",
        _HOURS_AWAKE,
        "h",
        "Since the end of the last sleep that was not a nap.",
    ),
    Feature(
        "avg_sleep_last_7d",
        "sleep",
        Window("sleep_minutes", "daily", 7),
        "min",
        "Sleep a day, naps included.",
    ),
    Feature("main_sleep_minutes_last_3d", "sleep", _LAST_SLEEP, "min", "The last sleep that was not a nap."),
    Feature(
        "sleep_debt_sum_7d",
        "sleep",
        _NIGHTS * SLEEP_NEED_MINUTES - Window("sleep_minutes", "sum", 7),
        "min",
        "Short of eight hours a day, summed over the days that have sleep; negative when there is a surplus.",
    ),
    Feature(
        "sleep_efficiency_last_3d",
        "sleep",
        Window("sleep_efficiency", "last", 3),
        "%",
        "Asleep share of the time in bed, of the last sleep that was not a nap.",
        version=2,
    ),
    Feature(
        "main_sleep_minutes_mean_28d",
        "sleep",
        Window("main_sleep_minutes", "mean", 28),
        "min",
        "The person's usual sleep, naps left out.",
    ),
    Feature(
        "sleep_efficiency_mean_28d",
        "sleep",
        Window("sleep_efficiency", "mean", 28),
        "%",
        "The person's usual asleep share of the time in bed, naps left out.",
        version=2,
    ),
    Feature(
        "energy_prior_three_process",
        "sleep",
        energy_prior(_LAST_SLEEP / 60, _HOURS_AWAKE, HOUR_OF_DAY),
        "points",
        "Energy that the Three-Process Model of alertness expects from the last sleep and the time of day.",
    ),
    Feature(
        "avg_exercise_last_7d",
        "activity",
        Window("exercise_minutes", "daily", 7),
        "min",
        "Exercise a day, over the days with any.",
    ),
    Feature(
        "exercise_minutes_daily_27d",
        "activity",
        _usual("exercise_minutes"),
        "min",
        "The person's usual exercise on a day with any, of the days before.",
    ),
    Feature(
        "exercise_load_sum_yesterday",
        "activity",
        Window("exercise_load", "sum", 1, lag=1),
        "RPE·min",
        "Training load of the local day before.",
    ),
    Feature(
        "exercise_load_sum_7d", "activity", Window("exercise_load", "sum", 7), "RPE·min", "Training load."
    ),
    Feature(
        "exercise_load_hours_since_7d",
        "activity",
        Window("exercise_load", "hours_since", 7),
        "h",
        "Since the last training.",
    ),
    Feature(
        "work_minutes_sum_1d", "activity", Window("work_minutes", "sum", 1), "min", "Worked today so far."
    ),
    Feature(
        "work_minutes_daily_27d",
        "activity",
        _usual("work_minutes"),
        "min",
        "The person's usual working day, of the days before.",
    ),
    Feature(
        "work_minutes_hours_since_3d",
        "activity",
        Window("work_minutes", "hours_since", 3),
        "h",
        "Since the last work was finished.",
    ),
    Feature(
        "social_events_count_last_3d",
        "activity",
        Window("social_events", "count", 3),
        "events",
        "Times spent with other people.",
    ),
    Feature(
        "social_minutes_sum_1d",
        "activity",
        Window("social_minutes", "sum", 1),
        "min",
        "With others today so far.",
    ),
    Feature(
        "social_minutes_daily_27d",
        "activity",
        _usual("social_minutes"),
        "min",
        "The person's usual time with others on a day with any, of the days before.",
    ),
    Feature(
        "social_minutes_hours_since_3d", "activity", _SINCE_COMPANY, "h", "Since the last time with others."
    ),
    Feature(
        "social_minutes_faded_3d",
        "activity",
        (1 - exp(Window("social_minutes", "last", 3) / -60)) * exp(_SINCE_COMPANY / -COMPANY_LASTS_HOURS),
        "share",
        "What may be left of the last time with others: long ones count nearly whole, and fade in six hours.",
    ),
    Feature(
        "meditation_minutes_hours_since_2d",
        "activity",
        Window("meditation_minutes", "hours_since", 2),
        "h",
        "Since the last meditation.",
    ),
    Feature("time_since_last_meal", "intake", Window("meals", "hours_since", 2), "h", "Since the last meal."),
    Feature("caffeine_sum_1d", "intake", Window("caffeine", "sum", 1), "mg", "Caffeine today so far."),
    Feature(
        "caffeine_daily_27d",
        "intake",
        _usual("caffeine"),
        "mg",
        "The person's usual caffeine on a day with any, of the days before.",
    ),
    Feature("caffeine_hours_since_3d", "intake", _SINCE_CAFFEINE, "h", "Since the last caffeine."),
    Feature(
        "caffeine_active_1d",
        "intake",
        Window("caffeine", "sum", 1) * exp(_SINCE_CAFFEINE * (-math.log(2) / CAFFEINE_HALF_LIFE_HOURS)),
        "mg",
        "Today's caffeine as if all of it were taken with the last cup, halved every five hours.",
    ),
    Feature("alcohol_sum_2d", "intake", Window("alcohol", "sum", 2), "g", "Alcohol yesterday and today."),
    Feature(
        "alcohol_sum_yesterday",
        "intake",
        Window("alcohol", "sum", 1, lag=1),
        "g",
        "Alcohol the local day before.",
    ),
    Feature(
        "energy_ewma_28d",
        "ratings",
        Window("energy", "ewma", 28),
        "points",
        "Exponentially weighted mean (0.3 on the newest) of the daily mean ratings: the baseline of energy.",
    ),
    Feature(
        "energy_rolling_mean_7d", "ratings", Window("energy", "mean", 7), "points", "Mean of the ratings."
    ),
    Feature(
        "energy_rolling_std_7d", "ratings", Window("energy", "std", 7), "points", "Spread of the ratings."
    ),
    Feature(
        "energy_mean_28d", "ratings", Window("energy", "mean", 28), "points", "The person's usual level."
    ),
    Feature(
        "energy_mean_2d", "ratings", Window("energy", "mean", 2), "points", "Mean of yesterday and today."
    ),
    Feature("energy_last_28d", "ratings", Window("energy", "last", 28), "points", "The newest rating."),
    Feature(
        "energy_daypart_mean_28d",
        "ratings",
        _at_this_part_of_day("energy", "mean", 28),
        "points",
        "The person's usual level at this part of the day.",
    ),
    Feature(
        "mood_trend_last_14d", "moods", Window("mood", "slope", 14), "valence/day", "Slope of daily mood."
    ),
    Feature("mood_ewma_28d", "moods", Window("mood", "ewma", 28), "valence", "Weighted mean of daily mood."),
    Feature("mood_mean_28d", "moods", Window("mood", "mean", 28), "valence", "The person's usual mood."),
    Feature("mood_last_28d", "moods", Window("mood", "last", 28), "valence", "The newest mood."),
    Feature(
        "mood_daypart_mean_28d",
        "moods",
        _at_this_part_of_day("mood", "mean", 28),
        "valence",
        "The person's usual mood at this part of the day.",
    ),
    *(
        Feature(
            f"mood_{name}_ewma_28d",
            "moods",
            Window(f"mood_{name}", "ewma", 28),
            "share",
            f"Weighted share of ratings that were {name.replace('_', ' ')}: part of the baseline of mood.",
        )
        for name in MOOD_CLASS_NAMES
    ),
    Feature(
        "stress_mean_2d", "ratings", Window("stress", "mean", 2), "points", "Mean of the stress ratings."
    ),
    Feature(
        "stress_mean_28d", "ratings", Window("stress", "mean", 28), "points", "The person's usual stress."
    ),
    Feature(
        "cloud_cover_mean_1d", "surroundings", Window("cloud_cover", "mean", 1), "%", "Clouds today so far."
    ),
    Feature(
        "daylight_minutes_last_2d",
        "surroundings",
        Window("daylight_minutes", "last", 2),
        "min",
        "Time between sunrise and sunset.",
    ),
)

FEATURES: Final[dict[str, Feature]] = {feature.name: feature for feature in _ENTRIES}

_BOTH = (
    "hour_of_day",
    "day_of_week",
    "is_weekend",
    "time_since_last_sleep",
    "avg_sleep_last_7d",
    "avg_exercise_last_7d",
    "social_events_count_last_3d",
    "energy_rolling_mean_7d",
    "mood_trend_last_14d",
    "main_sleep_minutes_last_3d",
    "sleep_efficiency_last_3d",
    "work_minutes_sum_1d",
    "social_minutes_faded_3d",
    "caffeine_active_1d",
    "exercise_load_hours_since_7d",
)

FEATURE_SETS: Final[dict[str, tuple[str, ...]]] = {
    "energy": (
        *_BOTH,
        "time_since_last_meal",
        "energy_rolling_std_7d",
        "energy_ewma_28d",
        "energy_mean_28d",
        "energy_mean_2d",
        "energy_daypart_mean_28d",
        "energy_prior_three_process",
        "exercise_load_sum_yesterday",
        "caffeine_hours_since_3d",
        "alcohol_sum_2d",
    ),
    "mood": (
        *_BOTH,
        "mood_ewma_28d",
        "mood_mean_28d",
        "social_minutes_sum_1d",
        "work_minutes_hours_since_3d",
        "meditation_minutes_hours_since_2d",
        "alcohol_sum_yesterday",
        "stress_mean_28d",
        "cloud_cover_mean_1d",
    ),
}
"""Model → the features that its booster learns from, in the order of the vector."""

BASELINE_INPUTS: Final[dict[str, tuple[str, ...]]] = {
    "energy": (),
    "mood": tuple(f"mood_{name}_ewma_28d" for name in MOOD_CLASS_NAMES),
}
"""Model → what its baseline is made of beside its features. In the vector after them; never learned from."""

_USUAL_OF_BOTH = (
    "main_sleep_minutes_mean_28d",
    "sleep_efficiency_mean_28d",
    "work_minutes_daily_27d",
    "caffeine_daily_27d",
    "exercise_minutes_daily_27d",
)

USUAL_LEVELS: Final[dict[str, tuple[str, ...]]] = {
    "energy": _USUAL_OF_BOTH,
    "mood": (*_USUAL_OF_BOTH, "social_minutes_daily_27d"),
}
"""Model → what is usual for the person, to centre features on. At the end of the vector; learned from only in
the difference to a feature (see `aurora.models.catalogue`)."""

FOR_ANALYSTS: Final = frozenset(
    {
        "sleep_debt_sum_7d",
        "exercise_load_sum_7d",
        "social_minutes_hours_since_3d",
        "caffeine_sum_1d",
        "energy_last_28d",
        "mood_last_28d",
        "mood_daypart_mean_28d",
        "stress_mean_2d",
        "daylight_minutes_last_2d",
    }
)
"""In the tables and the API because people ask for them. No model gained from them beside the others."""


def vector_names(feature_set: str) -> tuple[str, ...]:
    """A model's vector in its order: its features, then inputs of its baseline, then usual levels."""
    return (*FEATURE_SETS[feature_set], *BASELINE_INPUTS[feature_set], *USUAL_LEVELS[feature_set])


def feature(name: str) -> Feature:
    """The catalogue entry called `name`, or UnknownFeatureError."""
    try:
        return FEATURES[name]
    except KeyError:
        raise UnknownFeatureError(name) from None


def _check() -> None:
    if len(FEATURES) != len(_ENTRIES):
        raise CatalogueConflictError("two features share one name")
    for set_name in FEATURE_SETS:
        names = vector_names(set_name)
        unknown = sorted(set(names) - set(FEATURES))
        if unknown:
            raise CatalogueConflictError(f"the {set_name} set names unknown features: {', '.join(unknown)}")
        if len(set(names)) != len(names):
            raise CatalogueConflictError(f"the {set_name} set names a feature twice")


_check()
