"""Predictions that Redis keeps, ready to be sent: by the API when somebody asks, by the streams before anybody does."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, Final
from uuid import UUID

import orjson
from redis.asyncio import Redis
from redis.asyncio.client import Pipeline

from aurora.kept_answers import Place, keep, place_of, renew, tag_of
from aurora.models.catalogue import MODELS
from aurora.models.intervals import COVERAGE
from aurora.predictions.answers import GLOBAL_MEAN
from aurora.predictions.prediction import Prediction

_ANYBODY: Final = UUID(int=0)

KEPT_SECONDS: Final = 300
"""A prediction is for now: after this a new one is made."""


def prediction_place(user_id: UUID, model: str) -> Place:
    return place_of(f"predictions:{user_id}:{model}", tag_of("predictions", user_id))


async def kept_for(redis: Redis, model: str) -> list[UUID]:
    """Whose predictions of a model are kept at this moment, whether or not they still hold."""
    keys = redis.scan_iter(prediction_place(_ANYBODY, model).key.replace(str(_ANYBODY), "*"), count=1000)
    return sorted({UUID(key.decode().split(":")[-2]) async for key in keys})


def forget_predictions(pipe: Pipeline, user_id: UUID) -> bytes:
    """Have `pipe` say that what predictions are made from has changed; the tokens to keep the next ones under."""
    return renew(pipe, tag_of("predictions", user_id))


def version_stamp(version: str | None) -> bytes:
    """What a kept prediction says of the champion that it comes from: that of another one does not hold."""
    return b"none" if version is None else version.encode()


def keep_prediction(
    pipe: Pipeline, user_id: UUID, tokens: bytes, prediction: Prediction, as_of: datetime, local_date: date
) -> None:
    """Have `pipe` keep a prediction under the tokens from before its features were read."""
    keep(
        pipe,
        prediction_place(user_id, prediction.model_name),
        tokens,
        prediction_body(prediction, as_of, local_date),
        seconds=KEPT_SECONDS,
        stamp=version_stamp(prediction.model_version),
    )


def prediction_body(prediction: Prediction, as_of: datetime, local_date: date) -> bytes:
    """The JSON that the API answers with; `serving.predictions.schemas.PredictionRead` is its schema."""
    spec = MODELS[prediction.model_name]
    has_interval = prediction.lower is not None and prediction.upper is not None
    has_baseline = prediction.baseline is not None and prediction.baseline_name is not None
    body: dict[str, Any] = {
        "target": spec.name,
        "as_of": as_of,
        "local_date": local_date,
        "value": prediction.value,
        "unit": spec.unit,
        "scale": spec.scale,
        "class": prediction.class_name,
        "probabilities": prediction.probabilities,
        "interval": {"lower": prediction.lower, "upper": prediction.upper, "coverage": COVERAGE}
        if has_interval
        else None,
        "baseline": {"name": prediction.baseline_name, "value": prediction.baseline}
        if has_baseline
        else None,
        "model_source": prediction.model_source,
        "model_version": prediction.model_version,
        "reasons": [vars(reason) for reason in prediction.reasons],
        "shares": None if prediction.shares is None else vars(prediction.shares),
        "explanation": _explanation(prediction),
    }
    return orjson.dumps(body, option=orjson.OPT_UTC_Z)


def _explanation(prediction: Prediction) -> str:
    name, version = prediction.model_name, prediction.model_version
    if prediction.model_source == "model":
        return f"Version {version} of the {name} model answered."
    if prediction.model_source == "none":
        return f"Nothing is known about your {name} yet: rate it a few times, and an answer appears here."
    if prediction.baseline_name == GLOBAL_MEAN:
        return (
            f"Nothing is known about your {name} yet: this is the average of the people that version "
            f"{version} of the model learned from."
        )
    if version is not None:
        return (
            f"Version {version} of the {name} model left the answer to the baseline "
            f"({prediction.baseline_name}): it has no better one for you."
        )
    return (
        f"There is no trained {name} model for you yet, so the baseline ({prediction.baseline_name}) "
        "answered; without a model there is no interval."
    )
