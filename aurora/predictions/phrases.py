"""How a feature is named to the person it is about. A feature without a phrase is named by its description."""

from __future__ import annotations

from typing import Final

from aurora.features.catalogue import FEATURES
from aurora.predictions.artifact import FeatureNote

PHRASES: Final[dict[str, str]] = {
    "hour_of_day": "The time of day",
    "day_of_week": "The day of the week",
    "is_weekend": "The weekend",
    "time_since_last_sleep": "Time awake",
    "avg_sleep_last_7d": "Sleep a night over the last week",
    "main_sleep_minutes_last_3d": "Last night's sleep",
    "sleep_debt_sum_7d": "Sleep missed over the last week",
    "energy_prior_three_process": "What sleep and the time of day let expect",
    "main_sleep_minutes_mean_28d": "Your usual sleep",
    "sleep_efficiency_mean_28d": "How soundly you usually sleep",
    "work_minutes_daily_27d": "Your usual working day",
    "caffeine_daily_27d": "Your usual caffeine",
    "exercise_minutes_daily_27d": "Your usual exercise",
    "social_minutes_daily_27d": "Your usual time with others",
    "avg_exercise_last_7d": "Exercise a day over the last week",
    "exercise_load_sum_yesterday": "Yesterday's training load",
    "exercise_load_sum_7d": "The week's training load",
    "exercise_load_hours_since_7d": "Time since the last training",
    "sleep_efficiency_last_3d": "How soundly you slept",
    "work_minutes_sum_1d": "Work today so far",
    "work_minutes_hours_since_3d": "Time since work",
    "social_events_count_last_3d": "Company over the last three days",
    "social_minutes_sum_1d": "Time with others today",
    "social_minutes_hours_since_3d": "Time since company",
    "social_minutes_faded_3d": "The company you had",
    "meditation_minutes_hours_since_2d": "Time since meditation",
    "time_since_last_meal": "Time since the last meal",
    "caffeine_sum_1d": "Caffeine today",
    "caffeine_hours_since_3d": "Time since the last caffeine",
    "caffeine_active_1d": "Caffeine still at work",
    "alcohol_sum_yesterday": "Alcohol yesterday",
    "alcohol_sum_2d": "Alcohol since yesterday",
    "energy_ewma_28d": "Your recent energy",
    "energy_rolling_mean_7d": "Your energy over the last week",
    "energy_rolling_std_7d": "How much your energy varied this week",
    "energy_mean_28d": "Your usual energy",
    "energy_mean_2d": "Your energy since yesterday",
    "energy_last_28d": "Your latest energy rating",
    "energy_daypart_mean_28d": "Your usual energy at this time of day",
    "mood_trend_last_14d": "The trend of your mood over two weeks",
    "mood_ewma_28d": "Your recent mood",
    "mood_mean_28d": "Your usual mood",
    "mood_last_28d": "Your latest mood",
    "mood_daypart_mean_28d": "Your usual mood at this time of day",
    "stress_mean_2d": "Stress since yesterday",
    "stress_mean_28d": "Your usual stress",
    "cloud_cover_mean_1d": "Clouds today",
    "daylight_minutes_last_2d": "Daylight",
}


def note_of(name: str) -> FeatureNote:
    """What people are told about a feature: a phrase and its unit."""
    if name not in FEATURES:
        return FeatureNote(label=name.replace("_", " "))
    feature = FEATURES[name]
    return FeatureNote(label=PHRASES.get(name, _short(feature.description)), unit=feature.unit)


def _short(description: str) -> str:
    """The first statement of a description."""
    return description.rstrip(".").split(":")[0].split(";")[0]
