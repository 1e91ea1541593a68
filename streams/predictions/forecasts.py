"""What each model says now about people whose tiles have changed: the champion of their cohort, or the
baseline where there is none.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol
from uuid import UUID

from aurora.features.tiles import Tiles
from aurora.features.vector import Moment, vector
from aurora.models.catalogue import MODELS, ModelSpec
from aurora.predictions.baseline import predict_from_baseline
from aurora.predictions.prediction import Prediction
from aurora.predictions.predictor import Predictor, Vector
from aurora.predictions.storage import PredictionRow
from aurora.telemetry import PREDICTION_DURATION
from streams.features.people import Person


class Champions(Protocol):
    """Whoever knows the champion of a model and cohort."""

    async def get(self, model: str, cohort: str) -> Predictor | None: ...


@dataclass(frozen=True)
class Forecast:
    """One prediction of one person, with what the table and who listens want to know about it."""

    row: PredictionRow

    @property
    def model(self) -> str:
        return self.row.prediction.model_name

    def as_json(self) -> dict[str, Any]:
        """The form in which those who listen are told it."""
        return {
            **self.row.prediction.as_json(),
            "as_of": self.row.as_of.isoformat(),
            "local_date": self.row.local_date.isoformat(),
        }


async def forecast(
    tiles: Mapping[Person, Tiles], moments: Mapping[Person, Moment], champions: Champions
) -> dict[UUID, list[Forecast]]:
    """Every model's prediction for each of these people at their moment."""
    cohorts: dict[str, dict[Person, Vector]] = defaultdict(dict)
    for person, theirs in tiles.items():
        cohorts[person.cohort][person] = vector(theirs, moments[person])
        # A batch is many people's work; the relay lives in the same loop.
        await asyncio.sleep(0)
    forecasts: dict[UUID, list[Forecast]] = {person.user_id: [] for person in tiles}
    for cohort, vectors in cohorts.items():
        for spec in MODELS.values():
            predictor = await champions.get(spec.name, cohort)
            with PREDICTION_DURATION.labels(spec.name).time():
                predictions = _predict(spec, predictor, vectors)
            names = predictor.metadata.columns if predictor else spec.baseline_columns
            for (person, features), prediction in zip(vectors.items(), predictions, strict=True):
                row = PredictionRow(
                    user_id=person.user_id,
                    as_of=moments[person].as_of,
                    local_date=moments[person].local_date,
                    origin="live",
                    prediction=prediction,
                    features={name: features.get(name) for name in names},
                )
                forecasts[person.user_id].append(Forecast(row))
    return forecasts


def _predict(
    spec: ModelSpec, predictor: Predictor | None, vectors: Mapping[Person, Vector]
) -> list[Prediction]:
    if predictor is None:
        return [predict_from_baseline(spec, features) for features in vectors.values()]
    return predictor.predict_many(list(vectors.values()), [person.user_id for person in vectors])
