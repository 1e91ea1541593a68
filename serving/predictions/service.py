"""Answering: what is kept, else what the champion of the person's cohort says, else the baseline."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Final, NamedTuple
from uuid import UUID

import psycopg
import structlog

from aurora import clock
from aurora.features.vector import Moment, vector
from aurora.models.catalogue import MODELS, ModelSpec
from aurora.predictions.answering import Asked, features_of, predict_rows
from aurora.predictions.champions import Champions
from aurora.predictions.kept import prediction_body, prediction_place, version_stamp
from aurora.predictions.storage import PredictionRow, write_predictions_async
from serving.auth.people import Person
from serving.database import Database
from serving.features.live_state import read_live_tiles_of_many
from serving.grouping import Grouping
from serving.kept_answers import KeptAnswers, Wanted
from serving.redis_access import RedisAccess

PREDICTED_AT_ONCE: Final = 16
"""So many take some fifteen milliseconds, for which nobody else is served."""
GROUPS_AT_ONCE: Final = 2
"""While one is being written, the next one is computed."""

log = structlog.get_logger(__name__)


class _Question(NamedTuple):
    person: Person
    spec: ModelSpec


class Forecaster:
    """Predicts for a person at this moment. Those who ask at the same time are predicted for together."""

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
        self._together: Grouping[_Question, bytes] = Grouping(
            self._predict_together, most=PREDICTED_AT_ONCE, at_once=GROUPS_AT_ONCE
        )

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
        return await self._kept.answer(wanted, lambda: self._together.ask(_Question(person, spec)), person)

    async def _predict_together(self, questions: Sequence[_Question]) -> Sequence[bytes | Exception]:
        try:
            return await self._predict(questions)
        except psycopg.OperationalError:
            raise
        except Exception as error:
            if len(questions) == 1:
                raise
            # Whose days cannot be read, or answered, keeps nobody else from their answer.
            log.info("group_taken_apart", problem=type(error).__name__, requests=len(questions))
            return [await self._alone(question) for question in questions]

    async def _alone(self, question: _Question) -> bytes | Exception:
        try:
            [body] = await self._predict([question])
        except Exception as error:  # noqa: BLE001  # it is the caller's to handle
            return error
        return body

    async def _predict(self, questions: Sequence[_Question]) -> list[bytes]:
        as_of = clock.now()
        moments = {person.user_id: Moment.at(as_of, person.tz) for person, _ in questions}
        wanted: dict[tuple[str, str], set[UUID]] = defaultdict(set)
        for person, spec in questions:
            wanted[spec.name, person.cohort].add(person.user_id)
        rows: dict[tuple[str, UUID], PredictionRow] = {}
        # Two statements, each a transaction of its own: no round trips to begin and to commit one.
        async with self._database.statements() as connection:
            live = await read_live_tiles_of_many(connection, self._redis, moments, as_of)
            for (model, cohort), user_ids in wanted.items():
                spec, predictor = MODELS[model], await self._champions.get(model, cohort)
                features = features_of(spec, predictor)
                asked = [
                    Asked(user_id, moments[user_id], vector(live[user_id].tiles, moments[user_id], features))
                    for user_id in user_ids
                ]
                told = predict_rows(spec, predictor, asked, origin="api")
                rows |= {(model, row.user_id): row for row in told}
            # One row per prediction that anybody was shown: the truth is joined to it later.
            await write_predictions_async(connection, rows.values())
        shown = [rows[spec.name, person.user_id] for person, spec in questions]
        return [prediction_body(row.prediction, row.as_of, row.local_date) for row in shown]
