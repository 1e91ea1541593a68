"""Answering: what is kept, else what the champion of the person's cohort says, else the baseline."""

from __future__ import annotations

from aurora import clock
from aurora.features.vector import Moment, vector
from aurora.models.catalogue import MODELS, ModelSpec
from aurora.predictions.baseline import predict_from_baseline
from aurora.predictions.champions import Champions
from aurora.predictions.kept import prediction_body, prediction_place, version_stamp
from aurora.predictions.storage import PredictionRow, write_predictions_async
from aurora.telemetry import PREDICTION_DURATION
from serving.auth.people import Person
from serving.database import Connection, Database
from serving.features.live_state import read_live_tiles
from serving.kept_answers import KeptAnswers, Wanted
from serving.redis_access import RedisAccess


class Forecaster:
    """Predicts for one person at this moment."""

    def __init__(
        self,
        database: Database,
        redis: RedisAccess,
        kept: KeptAnswers,
        champions: Champions,
        *,
        seconds: int,
    ) -> None:
        self._database = database
        self._redis = redis
        self._kept = kept
        self._champions = champions
        self._seconds = seconds

    async def predict(self, person: Person, model: str) -> bytes:
        """The JSON of the answer that is kept, or of a fresh one, which is logged, and kept after the commit."""
        spec = MODELS[model]
        wanted = Wanted(
            f"predictions/{model}",
            prediction_place(person.user_id, model),
            self._seconds,
            # After a promotion the answers of the model before no longer hold.
            stamp=version_stamp(await self._champions.version(model, person.cohort)),
        )
        return await self._kept.answer(wanted, lambda: self._predict(person, spec), person)

    async def _predict(self, person: Person, spec: ModelSpec) -> bytes:
        async with self._database.transaction() as connection:
            return await self._compute(connection, person, spec)

    async def _compute(self, connection: Connection, person: Person, spec: ModelSpec) -> bytes:
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
        return prediction_body(prediction, moment.as_of, moment.local_date)
