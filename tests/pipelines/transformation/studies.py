"""A few people of the real studies: their rows of the files, and what these say, read without anything of AURORA.

LifeSnaps writes 0 where a watch measured nothing, SoccerMon where no session was logged: 0 is never a value.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import polars as pl

LEFT_WITH_THE_ROUND: Final = "lifesnaps:621e2e8e67b776a24055b564"
"""A summer with a watch and moods."""
STOPPED_SLEEPING_WITH_THE_WATCH: Final = "lifesnaps:621e342e67b776a2404ce460"
"""Seven months of steps, nights in the first five, never a mood."""
NEVER_SLEPT_WITH_THE_WATCH: Final = "lifesnaps:621e345c67b776a2407146a8"
WORE_IT_THROUGHOUT: Final = "lifesnaps:621e32e667b776a2406d2f1c"
ANSWERED_WITHOUT_THE_WATCH: Final = "lifesnaps:621e30e267b776a240e5bf90"
"""One day with the watch, moods from five weeks later on."""
TRAINED_WITHOUT_REPORTS: Final = "soccermon:TeamA_10"
LEFT_THE_TEAM: Final = "soccermon:TeamA_1"
CAME_LATE: Final = "soccermon:TeamA_27"

PEOPLE: Final = (
    LEFT_WITH_THE_ROUND,
    STOPPED_SLEEPING_WITH_THE_WATCH,
    NEVER_SLEPT_WITH_THE_WATCH,
    WORE_IT_THROUGHOUT,
    ANSWERED_WITHOUT_THE_WATCH,
    TRAINED_WITHOUT_REPORTS,
    LEFT_THE_TEAM,
    CAME_LATE,
)

PLEASANT: Final = {
    "HAPPY": 2, "RESTED/RELAXED": 1, "ALERT": 1, "NEUTRAL": 0, "TIRED": -1, "TENSE/ANXIOUS": -1, "SAD": -2,
}  # fmt: skip
"""Where a state lies between unpleasant and pleasant, by the convention of `docs/ingestion.md`."""


@dataclass(frozen=True)
class Study:
    """One file, and its columns in AURORA's units: null where the source says nothing."""

    mapping: str
    file: str
    person: str
    says: tuple[pl.Expr, ...]
    kinds: dict[str, tuple[str, ...]]
    """Type of event → the columns of which one at least is there on a day that has such an event."""

    def rows(self, datasets: Path) -> pl.DataFrame:
        """The rows of the chosen people, as they stand in the file."""
        table = pl.read_csv(datasets / self.file, infer_schema=False)
        return table.filter(self._key.is_in(PEOPLE))

    def days(self, datasets: Path) -> pl.DataFrame:
        """One row per person and day of which the source says anything, of everybody in the file."""
        table = pl.read_csv(datasets / self.file, infer_schema_length=None)
        told = [pl.any_horizontal(pl.col(*of).is_not_null()).alias(kind) for kind, of in self.kinds.items()]
        said = table.select(self._key.alias("person"), pl.col("date").str.to_date(), *self.says)
        days = said.with_columns(told).filter(pl.any_horizontal(*self.kinds))
        return days.sort("person", "date")

    @property
    def _key(self) -> pl.Expr:
        return pl.format(f"{self.mapping}:{{}}", self.person)


def measured(column: str) -> pl.Expr:
    """A column in which 0 stands for nothing."""
    return pl.when(pl.col(column) > 0).then(pl.col(column).cast(pl.Float64))


def with_a_night(said: pl.Expr) -> pl.Expr:
    return pl.when(pl.col("minutesAsleep") > 0).then(said)


def while_worn(column: str) -> pl.Expr:
    minutes = ("lightly_active_minutes", "moderately_active_minutes", "very_active_minutes")
    return pl.when(pl.any_horizontal(pl.col(*minutes) > 0)).then(pl.col(column).cast(pl.Float64))


def _valence() -> pl.Expr:
    ticked = [pl.col(state) == 1 for state in PLEASANT]
    points = [pl.when(pl.col(state) == 1).then(value) for state, value in PLEASANT.items()]
    return pl.when(pl.any_horizontal(*ticked)).then(pl.mean_horizontal(*points) / 2)


LIFESNAPS: Final = Study(
    mapping="lifesnaps",
    file="lifesnaps/daily_fitbit_sema_df_unprocessed.csv",
    person="id",
    says=(
        measured("minutesAsleep").alias("asleep_minutes"),
        with_a_night(pl.col("minutesAwake")).alias("awake_minutes"),
        with_a_night(pl.col("sleep_duration") / 60_000).alias("in_bed_minutes"),
        with_a_night(pl.col("sleep_efficiency")).alias("efficiency_percent"),
        measured("steps"),
        while_worn("moderately_active_minutes").alias("moderate_minutes"),
        while_worn("very_active_minutes").alias("vigorous_minutes"),
        measured("resting_hr").alias("resting_heart_rate_bpm"),
        measured("rmssd").alias("hrv_rmssd_ms"),
        _valence().alias("valence"),
        *(measured(name) for name in ("nightly_temperature", "spo2", "full_sleep_breathing_rate")),
        measured("sleep_points_percentage").alias("makers_sleep_points"),
        measured("responsiveness_points_percentage").alias("makers_recovery_points"),
    ),
    kinds={
        "sleep.recorded": ("asleep_minutes",),
        "steps.counted": ("steps",),
        "exercise.recorded": ("moderate_minutes",),
        "heart_rate.measured": ("resting_heart_rate_bpm",),
        "hrv.measured": ("hrv_rmssd_ms",),
        "mood.rated": ("valence",),
        "custom.recorded": ("nightly_temperature", "spo2", "full_sleep_breathing_rate"),
    },
)
SOCCERMON: Final = Study(
    mapping="soccermon",
    file="soccermon/soccermon_daily.csv",
    person="player_id",
    says=(
        (measured("sleep_duration") * 60).alias("asleep_minutes"),
        *(pl.lit(None, pl.Float64).alias(name) for name in ("awake_minutes", "in_bed_minutes")),
        ((pl.col("mood") - 3) / 2).alias("valence"),
        pl.col("readiness"),
        pl.col("stress"),
        pl.when(pl.col("sleep_duration").is_null()).then(pl.col("sleep_quality")).alias("quality_alone"),
        pl.col("fatigue"),
        pl.col("soreness"),
        measured("daily_load"),
    ),
    kinds={
        "energy.rated": ("readiness",),
        "mood.rated": ("valence",),
        "stress.rated": ("stress",),
        "sleep.recorded": ("asleep_minutes",),
        "custom.recorded": ("quality_alone", "fatigue", "soreness"),
        "exercise.recorded": ("daily_load",),
    },
)
STUDIES: Final = (LIFESNAPS, SOCCERMON)
