"""What each model says now about people whose tiles have changed: the champion of their cohort, or the
baseline where there is none.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Protocol
from uuid import UUID

from aurora.features.tiles import Tiles
from aurora.features.vector import Moment, vector
from aurora.models.catalogue import MODELS
from aurora.predictions.answering import Asked, features_of, predict_rows
from aurora.predictions.predictor import Predictor
from aurora.predictions.storage import PredictionRow
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
    cohorts: dict[str, list[Asked]] = defaultdict(list)
    for person, theirs in tiles.items():
        moment = moments[person]
        cohorts[person.cohort].append(Asked(person.user_id, moment, vector(theirs, moment)))
        # A batch is many people's work; the relay lives in the same loop.
        await asyncio.sleep(0)
    forecasts: dict[UUID, list[Forecast]] = {person.user_id: [] for person in tiles}
    for cohort, asked in cohorts.items():
        for spec in MODELS.values():
            predictor = await champions.get(spec.name, cohort)
            names = [feature.name for feature in features_of(spec, predictor)]
            of_model = [replace(one, vector={name: one.vector[name] for name in names}) for one in asked]
            for row in predict_rows(spec, predictor, of_model, origin="live"):
                forecasts[row.user_id].append(Forecast(row))
    return forecasts
