"""Simulated people whose models are trained, registered and published, for the benchmarks of predictions."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import numpy as np
import psycopg
from redis import Redis
from redis.asyncio import Redis as AsyncRedis

from aurora.database.grants import STREAMS
from aurora.models.catalogue import MODELS, ModelSpec, registered_name
from aurora.models.folds import FoldPlan
from aurora.models.metrics import Floats
from aurora.predictions.predictor import Predictor
from aurora.predictions.storage import CHAMPION, read_predictor
from benchmarks.services import Services
from pipelines.training.publishing import alone, publish_aliases
from pipelines.training.rows import TrainingRows, read_training_rows
from pipelines.training.tracking import connect
from pipelines.training.training import train_model
from streams.features.people import Person, read_everybody
from streams.features.rebuild import rebuild

COHORT: Final = "simulated-seed7"
PLAN: Final = FoldPlan(held_out_days=14, step_days=14)
"""One fold: it calibrates an interval, and nothing else of it is needed here."""
PACKED: Final = np.dtype("<f4")
"""How a vector lies in Redis for both sides: what the booster compares is a float too."""


@dataclass(frozen=True)
class Asked:
    """Moments of people whom the model answers, not the baseline: one row of features each."""

    predictor: Predictor
    people: list[str]
    table: Floats
    """moments × `predictor.metadata.columns`, rounded to what is stored."""
    keys: list[str]

    def design_keys(self) -> list[str]:
        return [f"{key}:design" for key in self.keys]

    def store(self, redis: Redis) -> None:
        """Both rows of each moment: the vector that we answer, and the columns that the trees see."""
        design = self.predictor.design(self.table)
        for key, design_key, vector, seen in zip(
            self.keys, self.design_keys(), self.table, design, strict=True
        ):
            redis.mset({key: vector.astype(PACKED).tobytes(), design_key: seen.astype(PACKED).tobytes()})


@dataclass(frozen=True)
class TrainedPeople:
    """Where everything is, once it has been trained."""

    services: Services

    @property
    def mlflow_uri(self) -> str:
        return f"sqlite:///{self.services.folder}/mlflow.db"

    def train(self, spec: ModelSpec) -> None:
        """Train and register; the champion is published whatever the gate says: skill is not the question here."""
        client = connect(self.mlflow_uri)
        client.create_experiment(spec.name, artifact_location=str(self.services.folder / "artifacts"))
        with psycopg.connect(self.services.url_of("aurora_pipelines"), autocommit=True) as connection:
            report = train_model(connection, spec.name, COHORT, mlflow_uri=self.mlflow_uri, plan=PLAN)
            if report.version is None:
                raise RuntimeError(f"{spec.name} was not trained: {'; '.join(report.sentences)}")
            with alone(connection):
                client.set_registered_model_alias(report.registered_name, CHAMPION, report.version)
                publish_aliases(connection, self.mlflow_uri)

    def served_model(self, spec: ModelSpec) -> Path:
        """The folder of the registered pyfunc model, as other servers load it."""
        from mlflow.artifacts import download_artifacts

        connect(self.mlflow_uri)
        folder = self.services.folder / f"served-{spec.name}"
        if not folder.exists():
            uri = f"models:/{registered_name(spec.name, COHORT)}@{CHAMPION}"
            download_artifacts(uri, dst_path=str(folder))
        return folder

    def asked(self, spec: ModelSpec, count: int) -> Asked:
        """The latest moments of the training rows that the model answers."""
        predictor, rows = self.predictor(spec), self.rows[spec.name]
        order = [rows.spec.columns.index(name) for name in predictor.metadata.columns]
        table = rows.table[:, order].astype(PACKED).astype(np.float64)
        people = [rows.people[user] for user in rows.users]
        by_model = np.flatnonzero(predictor.answers(table, people).by_model)
        latest = by_model[np.argsort(rows.as_of[by_model], kind="stable")[-count:]]
        keys = [f"benchmark:{spec.name}:{number}" for number in range(len(latest))]
        return Asked(predictor, [people[row] for row in latest], table[latest], keys)

    def predictor(self, spec: ModelSpec) -> Predictor:
        """The champion, as serving loads it."""
        with psycopg.connect(self.services.postgres_url) as connection:
            found = read_predictor(connection, spec.name, COHORT)
        if found is None:
            raise LookupError(f"no champion of {spec.name} was published")
        return found

    def artifact(self, spec: ModelSpec) -> bytes:
        """What the champion is loaded from; there is one version of each model."""
        with psycopg.connect(self.services.postgres_url) as connection:
            found = connection.execute(
                "select artifact from predictions.model_artifacts where model_name = %s",
                [registered_name(spec.name, COHORT)],
            ).fetchone()
        if found is None:
            raise LookupError(f"no version of {spec.name} was published")
        return bytes(found[0])

    @cached_property
    def rows(self) -> dict[str, TrainingRows]:
        """What each model was trained on."""
        with psycopg.connect(self.services.postgres_url) as connection:
            return {name: read_training_rows(connection, spec, COHORT) for name, spec in MODELS.items()}

    def fill_redis(self) -> list[Person]:
        """Everybody's live tiles, as the streams keep them; the people."""
        return asyncio.run(self._fill_redis())

    async def _fill_redis(self) -> list[Person]:
        connection: psycopg.AsyncConnection[Any]
        async with (
            await psycopg.AsyncConnection.connect(self.services.url_of(STREAMS)) as connection,
            AsyncRedis.from_url(self.services.redis_url) as redis,
        ):
            people = await read_everybody(connection)
            await connection.commit()
            await rebuild(connection, redis, people)
        # What was imported has reached Redis: without this, serving would read the log until a relay has told so.
        with psycopg.connect(self.services.postgres_url) as owner:
            owner.execute(
                "update raw.outbox set published_at = now(), consumed_at = now() where consumed_at is null"
            )
        return people
