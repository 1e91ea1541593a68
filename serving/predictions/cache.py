"""Predictions in Redis, where the streams put them warm after each event."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, Final
from uuid import UUID

import structlog
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from aurora.models.catalogue import MODELS
from serving.redis_access import RedisAccess

log = structlog.get_logger(__name__)


def prediction_key(user_id: UUID, model: str) -> str:
    return f"aurora:predictions:{user_id}:{model}"


class CachedPrediction(BaseModel):
    """What lies in the cache: `aurora.predictions.prediction.Prediction.as_json()` and what it is for."""

    model_config = ConfigDict(extra="ignore")

    as_of: datetime
    local_date: date
    model_name: str
    model_version: str | None
    model_source: str
    value: float | None
    lower: float | None
    upper: float | None
    baseline: float | None
    baseline_name: str | None
    class_name: str | None = Field(default=None, alias="class")
    probabilities: dict[str, float] | None = None
    reasons: list[dict[str, Any]] = []


class PredictionCache:
    """The last answer per person and model. Without Redis every answer is computed."""

    def __init__(self, redis: RedisAccess, ttl_seconds: int) -> None:
        self._redis = redis
        self._ttl_seconds: Final = ttl_seconds

    async def get(self, user_id: UUID, model: str) -> CachedPrediction | None:
        key = prediction_key(user_id, model)
        stored = await self._redis.attempt(lambda client: client.get(key), otherwise=None)
        if stored is None:
            return None
        try:
            return CachedPrediction.model_validate_json(stored)
        except ValidationError:
            log.warning("cached_prediction_unreadable", model=model)
            return None

    async def put(self, user_id: UUID, model: str, prediction: CachedPrediction) -> None:
        key, body = prediction_key(user_id, model), prediction.model_dump_json(by_alias=True)
        await self._redis.attempt(lambda client: client.set(key, body, ex=self._ttl_seconds), otherwise=None)

    async def forget(self, *user_ids: UUID) -> None:
        """Drop what was predicted for these people."""
        keys = [prediction_key(user_id, model) for user_id in user_ids for model in MODELS]
        if not keys:
            return
        await self._redis.attempt(lambda client: client.delete(*keys), otherwise=0)
