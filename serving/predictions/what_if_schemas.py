"""Shapes of what-ifs on the API."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field

from aurora.features.vector import Moment
from aurora.models.catalogue import ModelSpec
from aurora.predictions.changes import CHANGES
from aurora.predictions.prediction import Prediction
from aurora.predictions.what_if import WhatIf
from serving.predictions.schemas import Baseline, Interval

MOST_CHANGES = 5

Number = Annotated[float, Field(strict=True, allow_inf_nan=False)]
ChangeName = Literal[
    "sleep_minutes",
    "caffeine_mg",
    "late_caffeine_mg",
    "exercise_minutes",
    "social_minutes",
    "work_minutes",
    "alcohol_yesterday_g",
]
"""The names of the catalogue, so that OpenAPI lists them; a test holds them together."""


class ChangeAsked(BaseModel):
    """One thing that was otherwise."""

    model_config = ConfigDict(extra="forbid")

    change: ChangeName = Field(examples=["sleep_minutes"])
    value: Number = Field(ge=0, le=10_000, examples=[480], description="In the unit of the change")
    hours_ago: Annotated[Number, Field(ge=0, le=48)] | None = Field(
        default=None,
        examples=[None],
        description="When it ended; each change has a time of its own without it",
    )


class WhatIfAsked(BaseModel):
    """A question about your own day. All changes are made together."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "target": "energy",
                    "changes": [
                        {"change": "sleep_minutes", "value": 480},
                        {"change": "late_caffeine_mg", "value": 0},
                        {"change": "exercise_minutes", "value": 40, "hours_ago": 2},
                    ],
                }
            ]
        },
    )

    target: Literal["energy", "mood"] = Field(examples=["energy"])
    changes: list[ChangeAsked] = Field(min_length=1, max_length=MOST_CHANGES)


class AnswerRead(BaseModel):
    """What the model says of one day."""

    value: float = Field(examples=[6.1])
    class_name: str | None = Field(default=None, alias="class", serialization_alias="class", examples=[None])
    probabilities: dict[str, float] | None = Field(default=None, examples=[None], description="Of each class")
    interval: Interval | None = Field(description="Where the rating lies; null while nothing is calibrated")

    @classmethod
    def of(cls, prediction: Prediction) -> Self:
        lower, upper = prediction.lower, prediction.upper
        return cls.model_validate(
            {
                "value": prediction.value,
                "class": prediction.class_name,
                "probabilities": prediction.probabilities,
                "interval": None
                if lower is None or upper is None
                else Interval(lower=lower, upper=upper).model_dump(),
            }
        )


class DifferenceRead(BaseModel):
    """After less before. The bounds hold chance in whom the model met, and how much effects differ between people and
    parts of the day; not what else differs between such days.

    Of simulated people, whose truth is known, they mostly hold it; of real ones nobody can say.
    """

    value: float = Field(examples=[0.4])
    lower: float | None = Field(examples=[0.2], description="Null where the model was trained without halves")
    upper: float | None = Field(examples=[0.6])


class MovedFeature(BaseModel):
    """An input of the model that moved with the change."""

    before: float | None = Field(examples=[412])
    after: float | None = Field(examples=[430])


class WhatIfRead(BaseModel):
    """Two answers of one model, and the difference."""

    target: str = Field(examples=["energy"])
    unit: str = Field(examples=["points"])
    scale: tuple[float, float] = Field(examples=[(0, 10)])
    as_of: datetime
    local_date: date = Field(examples=["2026-03-29"])
    before: AnswerRead
    after: AnswerRead
    difference: DifferenceRead
    baseline: Baseline | None = None
    features: dict[str, MovedFeature] = Field(
        description="The inputs of the model that moved",
        examples=[{"avg_sleep_last_7d": {"before": 412, "after": 430}}],
    )
    evidence: Literal["association"] = Field(
        default="association", description="What went along with such days, not what a change would do"
    )
    checked_with: list[Literal["you", "people"]] = Field(
        description="In whose days the change was found to lie; an older model cannot say it of people",
        examples=[["you", "people"]],
    )
    model_version: str | None = Field(examples=["7"])
    sentence: str = Field(
        examples=[
            (
                "People's days like this one with 8 h 00 min of sleep last night went with 0.4 points more "
                "energy. This is an association, not an experiment: what else differs between such days is in it."
            )
        ]
    )

    @classmethod
    def of(cls, spec: ModelSpec, moment: Moment, answer: WhatIf) -> Self:
        before = answer.before
        has_baseline = before.baseline is not None and before.baseline_name is not None
        return cls(
            target=spec.name,
            unit=spec.unit,
            scale=spec.scale,
            as_of=moment.as_of,
            local_date=moment.local_date,
            before=AnswerRead.of(before),
            after=AnswerRead.of(answer.after),
            difference=DifferenceRead(value=answer.change, lower=answer.lower, upper=answer.upper),
            baseline=Baseline.model_validate({"name": before.baseline_name, "value": before.baseline})
            if has_baseline
            else None,
            features={name: MovedFeature(before=b, after=a) for name, (b, a) in answer.features.items()},
            checked_with=["you", "people"] if answer.is_checked_with_people else ["you"],
            model_version=before.model_version,
            sentence=answer.sentence,
        )


class ChangeDefinition(BaseModel):
    """One thing that a what-if can change."""

    change: str = Field(examples=["sleep_minutes"])
    unit: str = Field(examples=["min"])
    lowest: float = Field(examples=[60], description="For anybody; you are answered near what you have had")
    highest: float = Field(examples=[900])
    hours_ago: float | None = Field(
        examples=[None], description="When it ended, unless told; null: not asked"
    )
    description: str = Field(examples=[CHANGES["sleep_minutes"].description])
    features: list[str] = Field(examples=[["avg_sleep_last_7d"]], description="Features that follow")


def change_definitions() -> list[ChangeDefinition]:
    """The catalogue of changes."""
    return [
        ChangeDefinition(
            change=entry.name,
            unit=entry.unit,
            lowest=entry.lowest,
            highest=entry.highest,
            hours_ago=entry.hours_ago,
            description=entry.description,
            features=list(entry.features),
        )
        for entry in CHANGES.values()
    ]
