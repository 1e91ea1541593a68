"""The typed body of each event type, in canonical units, with the plausible range of every field.

Numbers are strict: `false`, `"8"` and NaN are not numbers. Unknown fields are refused, so that a typing
error in a field name cannot lose data silently.
"""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StrictBool,
    StringConstraints,
    model_validator,
)


def without_nul(text: str) -> str:
    """Postgres stores no NUL character: accepted here, it would fail the whole batch at the log."""
    if "\x00" in text:
        raise ValueError("a NUL character cannot be stored")
    return text


Label = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=64),
    AfterValidator(without_nul),
]
Minutes = Annotated[float, Field(strict=True, ge=0, le=1440, allow_inf_nan=False)]


def _number(low: float, high: float) -> object:
    return Field(strict=True, ge=low, le=high, allow_inf_nan=False)


class Payload(BaseModel):
    """Base of all payloads."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class _AtLeastOne(Payload):
    """A payload none of whose fields is required, but which must say something."""

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if not self.model_fields_set or all(getattr(self, name) is None for name in self.model_fields_set):
            raise ValueError(f"at least one of {', '.join(type(self).model_fields)} is needed")
        return self


class Sleep(Payload):
    asleep_minutes: Minutes = Field(description="Time asleep, without the time awake in bed")
    in_bed_minutes: Minutes | None = None
    awake_minutes: Minutes | None = Field(None, description="Awake after sleep onset")
    deep_minutes: Minutes | None = None
    rem_minutes: Minutes | None = None
    light_minutes: Minutes | None = None
    efficiency_percent: Annotated[float, _number(0, 100)] | None = None
    quality: Annotated[float, _number(0, 10)] | None = Field(None, description="Own rating, 10 is best")
    is_nap: StrictBool = False

    @model_validator(mode="after")
    def _fits_into_the_time_in_bed(self) -> Self:
        if self.in_bed_minutes is not None and self.asleep_minutes > self.in_bed_minutes + 1:
            raise ValueError("asleep_minutes is more than in_bed_minutes")
        return self


class Exercise(_AtLeastOne):
    kind: Label | None = None
    duration_minutes: Minutes | None = None
    load: Annotated[float, _number(0, 20_000)] | None = Field(None, description="Session RPE × minutes")
    moderate_minutes: Minutes | None = None
    vigorous_minutes: Minutes | None = None
    energy_kcal: Annotated[float, _number(0, 20_000)] | None = None
    distance_m: Annotated[float, _number(0, 500_000)] | None = None


class Steps(Payload):
    steps: Annotated[int, _number(0, 200_000)]


class Work(Payload):
    duration_minutes: Minutes
    is_overtime: StrictBool = False


class Meal(_AtLeastOne):
    kind: Label | None = Field(None, description="breakfast, lunch, dinner, snack, …")
    energy_kcal: Annotated[float, _number(0, 10_000)] | None = None
    protein_g: Annotated[float, _number(0, 1_000)] | None = None
    carbohydrate_g: Annotated[float, _number(0, 2_000)] | None = None
    fat_g: Annotated[float, _number(0, 1_000)] | None = None


class Hydration(Payload):
    volume_ml: Annotated[float, _number(0, 10_000)]


class Caffeine(Payload):
    caffeine_mg: Annotated[float, _number(0, 2_000)]


class Alcohol(Payload):
    alcohol_g: Annotated[float, _number(0, 500)]


class Social(Payload):
    duration_minutes: Minutes | None = None
    people_count: Annotated[int, _number(0, 10_000)] | None = None
    kind: Label | None = None


class Mood(Payload):
    valence: Annotated[float, _number(-1, 1)] = Field(description="−1 very unpleasant … 1 very pleasant")
    labels: tuple[Label, ...] = Field((), max_length=20)


class Energy(Payload):
    energy: Annotated[float, _number(0, 10)]


class Stress(Payload):
    stress: Annotated[float, _number(0, 10)] = Field(description="10 is most stressed")


class Weather(_AtLeastOne):
    temperature_c: Annotated[float, _number(-90, 60)] | None = None
    precipitation_mm: Annotated[float, _number(0, 2_000)] | None = None
    daylight_minutes: Minutes | None = None
    cloud_cover_percent: Annotated[float, _number(0, 100)] | None = None
    pressure_hpa: Annotated[float, _number(800, 1_100)] | None = None


class HeartRate(Payload):
    bpm: Annotated[float, _number(20, 260)]
    is_resting: StrictBool = False


class HeartRateVariability(Payload):
    # Two beats are never exactly alike: zero is a sensor that had none to compare. Measures are kept in thousandths.
    rmssd_ms: Annotated[float, _number(0.001, 500)]


class Weight(Payload):
    weight_kg: Annotated[float, _number(1, 700)]


class Medication(Payload):
    name: Label
    dose: Annotated[float, _number(0, 1_000_000)] | None = None
    unit: Label | None = None


class Timed(Payload):
    """Something whose only measure is how long it took."""

    duration_minutes: Minutes


class Calendar(Payload):
    duration_minutes: Minutes | None = None
    kind: Label | None = None


class Note(Payload):
    """A note has no payload: its text travels in the envelope's `note` and is stored as ciphertext."""


class Custom(Payload):
    name: Label
    value: Annotated[float, _number(-1e12, 1e12)]
    unit: Label | None = None
