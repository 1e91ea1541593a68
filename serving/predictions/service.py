"""Answering: from the cache, else the champion of the person's cohort, else the baseline."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from aurora import clock
from aurora.features.vector import Moment, vector
from aurora.models.catalogue import MODELS, ModelSpec
from aurora.predictions.answers import GLOBAL_MEAN
from aurora.predictions.baseline import predict_from_baseline
from aurora.predictions.champions import Champions
from aurora.predictions.storage import PredictionRow, write_predictions_async
from aurora.telemetry import PREDICTION_DURATION
from serving.auth.people import Person
from serving.database import Connection, Database
from serving.features.live_state import read_live_tiles
from serving.predictions.cache import CachedPrediction, PredictionCache
from serving.predictions.schemas import Baseline, Interval, PredictionRead
from serving.redis_access import RedisAccess


class Forecaster:
    """Predicts for one person at this moment."""

    def __init__(
        self, database: Database, redis: RedisAccess, cache: PredictionCache, champions: Champions
    ) -> None:
        self._database = database
        self._redis = redis
        self._cache = cache
        self._champions = champions

    async def predict(self, person: Person, model: str) -> PredictionRead:
        """The cached answer, or a fresh one, which is logged, and cached after the commit."""
        spec = MODELS[model]
        cached = await self._cache.get(person.user_id, model)
        if cached is not None:
            return _read(spec, cached)
        async with self._database.transaction() as connection:
            fresh = await self._compute(connection, person, spec)
        await self._cache.put(person.user_id, model, fresh)
        return _read(spec, fresh)

    async def forget(self, user_id: UUID) -> None:
        """Drop the cached answers of a person: what they were made from no longer holds."""
        await self._cache.forget(user_id)

    async def _compute(self, connection: Connection, person: Person, spec: ModelSpec) -> CachedPrediction:
        moment = Moment.at(clock.now(), person.tz)
        tiles, _ = await read_live_tiles(connection, self._redis, person.user_id, moment)
        predictor = await self._champions.get(spec.name, person.cohort)
        with PREDICTION_DURATION.labels(spec.name).time():
            features = vector(tiles, moment)
            prediction = (
                predict_from_baseline(spec, features)
                if predictor is None
                else predictor.predict(features, user_id=person.user_id)
            )
        names = predictor.metadata.columns if predictor else spec.baseline_columns
        row = PredictionRow(
            user_id=person.user_id,
            as_of=moment.as_of,
            local_date=moment.local_date,
            origin="api",
            prediction=prediction,
            features={name: features.get(name) for name in names},
        )
        # One row per prediction that anybody was shown: the truth is joined to it later.
        await write_predictions_async(connection, [row])
        body: dict[str, Any] = prediction.as_json()
        return CachedPrediction.model_validate(
            {**body, "as_of": moment.as_of, "local_date": moment.local_date}
        )


def _read(spec: ModelSpec, known: CachedPrediction) -> PredictionRead:
    has_interval = known.lower is not None and known.upper is not None
    has_baseline = known.baseline is not None and known.baseline_name is not None
    return PredictionRead.model_validate(
        {
            "target": spec.name,
            "as_of": known.as_of,
            "local_date": known.local_date,
            "value": known.value,
            "unit": spec.unit,
            "scale": spec.scale,
            "class": known.class_name,
            "probabilities": known.probabilities,
            "interval": Interval.model_validate({"lower": known.lower, "upper": known.upper})
            if has_interval
            else None,
            "baseline": Baseline.model_validate({"name": known.baseline_name, "value": known.baseline})
            if has_baseline
            else None,
            "model_source": known.model_source,
            "model_version": known.model_version,
            "reasons": known.reasons,
            "explanation": _explanation(spec, known),
        }
    )


def _explanation(spec: ModelSpec, known: CachedPrediction) -> str:
    if known.model_source == "model":
        return f"Version {known.model_version} of the {spec.name} model answered."
    if known.model_source == "none":
        return (
            f"Nothing is known about your {spec.name} yet: rate it a few times, and an answer appears here."
        )
    if known.baseline_name == GLOBAL_MEAN:
        return (
            f"Nothing is known about your {spec.name} yet: this is the average of the people that version "
            f"{known.model_version} of the model learned from."
        )
    if known.model_version is not None:
        return (
            f"Version {known.model_version} of the {spec.name} model left the answer to the baseline "
            f"({known.baseline_name}): it has no better one for you."
        )
    return (
        f"There is no trained {spec.name} model for you yet, so the baseline ({known.baseline_name}) "
        "answered; without a model there is no interval."
    )
