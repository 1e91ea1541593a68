"""What a notice says, by its subject. Every producer builds these and every consumer is described by them.

The AsyncAPI document and the types of both clients follow from these models: nothing else lists a field. To
tell clients something new, add a field or a model here and run `make generate`.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any, Final, Literal
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from aurora.predictions.prediction import ModelSource
from aurora.scores.scoring import Score, ScoreState

Subject = Literal["events", "predictions", "scores", "insights", "announcements"]

MOST_EVENTS_NAMED: Final = 100

_AS_OF = "2026-11-25T09:30:12.345678Z"


class _Part(BaseModel):
    # Whatever is written is written by us: a field that nobody described is a mistake.
    model_config = ConfigDict(
        extra="forbid",
        populate_by_name=True,
        frozen=True,
        json_schema_serialization_defaults_required=True,
    )


class _Notice(_Part):
    as_of: AwareDatetime = Field(description="The moment that it is about", examples=[_AS_OF])
    local_date: date = Field(description="The person's local day at that moment", examples=["2026-11-25"])


class ChangedEvent(_Part):
    """An event that is new, corrected or deleted: read it from the API."""

    event_id: UUID = Field(examples=["01920f3e-7b1c-7c30-9a51-6f1c3a7d9e20"])
    version: int | None = Field(examples=[1])
    type: str | None = Field(examples=["energy.rated"])
    local_date: date = Field(examples=["2026-11-25"])


class EventsNotice(_Notice):
    """Local days of the person have changed."""

    subject: Literal["events"] = "events"
    local_dates: list[date] = Field(description="The days that changed", examples=[["2026-11-25"]])
    events: list[ChangedEvent] = Field(
        max_length=MOST_EVENTS_NAMED,
        description="What changed them, as far as it is named: nothing of an import, 100 at most",
    )


class ReasonGiven(_Part):
    """One feature's share in an answer."""

    feature: str = Field(examples=["energy_rolling_mean_7d"])
    value: float | None = Field(examples=[6.1])
    unit: str = Field(examples=["points"])
    contribution: float = Field(examples=[0.31])
    sentence: str = Field(examples=["Your energy of the last 7 days raises it by 0.3."])


class PredictionNotice(_Notice):
    """What a model expects of the person now."""

    subject: Literal["predictions"] = "predictions"
    model_name: str = Field(examples=["energy"])
    model_version: str | None = Field(examples=["3"])
    model_source: ModelSource = Field(
        description="Who answered: the model, a baseline, or nobody because nothing is known",
        examples=["model"],
    )
    value: float | None = Field(examples=[6.4])
    lower: float | None = Field(examples=[4.9])
    upper: float | None = Field(examples=[7.8])
    baseline: float | None = Field(examples=[6.0])
    baseline_name: str | None = Field(examples=["user_mean"])
    class_name: str | None = Field(alias="class", examples=[None])
    probabilities: dict[str, float] | None = Field(examples=[None])
    reasons: list[ReasonGiven]


class ScoreGiven(_Part):
    """A score of the person's local day as far as it has gone."""

    name: str = Field(examples=["activity"])
    version: int = Field(examples=[1])
    score: float | None = Field(ge=0, le=100, examples=[80.0])
    score_state: ScoreState = Field(examples=["SCORED"])
    coverage: float = Field(ge=0, le=1, examples=[1.0])

    @classmethod
    def of(cls, scored: Score) -> ScoreGiven:
        return cls(
            name=scored.name,
            version=scored.version,
            score=scored.score,
            score_state=scored.score_state,
            coverage=scored.coverage,
        )


class ScoresNotice(_Notice):
    """Today's scores, as far as live state can tell them."""

    subject: Literal["scores"] = "scores"
    is_provisional: bool = Field(description="The nightly build may still correct it", examples=[True])
    scores: list[ScoreGiven]


class InsightsNotice(_Notice):
    """There are new insights: read them from the API."""

    subject: Literal["insights"] = "insights"
    insight_ids: list[UUID] = Field(examples=[["01920f3e-7b1c-7c30-9a51-6f1c3a7d9e24"]])


class AnnouncementNotice(_Part):
    """What the operator tells everybody."""

    subject: Literal["announcements"] = "announcements"
    text: str = Field(min_length=1, max_length=2000, examples=["Maintenance at noon, for ten minutes."])


Notice = Annotated[
    EventsNotice | PredictionNotice | ScoresNotice | InsightsNotice | AnnouncementNotice,
    Field(discriminator="subject"),
]

PERSONAL_SUBJECTS: Final[tuple[Subject, ...]] = ("events", "predictions", "insights", "scores")
"""Each person has a topic of each; announcements are everybody's."""


def prediction_notice(as_json: Mapping[str, Any]) -> PredictionNotice:
    """The notice of a prediction, from `Prediction.as_json()` with its moment."""
    return PredictionNotice.model_validate(as_json)
