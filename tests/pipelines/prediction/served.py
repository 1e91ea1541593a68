"""A model with a reference, and a week of vectors and answers that its people were served."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5

import numpy as np
import psycopg
from psycopg.types.json import Jsonb

from aurora.models.reference import PREDICTION, Reference, reference_of
from aurora.predictions.artifact import digest, unpack
from tests.aurora.models.people import an_energy_artifact

PEOPLE = 30
EVENING = 20.0


def person(number: int, cohort: str = "real") -> UUID:
    return uuid5(NAMESPACE_URL, f"{cohort}/{number}")


def a_reference(*, people: int = PEOPLE, seed: int = 1) -> Reference:
    """What people slept and how they were answered while the model was trained."""
    rng = np.random.default_rng(seed)
    users = np.repeat(np.arange(people), 60)
    sleep = rng.normal(450, 40, people)[users] + rng.normal(0, 40, len(users))
    columns = {
        "sleep_minutes": sleep,
        "noise": rng.normal(size=len(users)),
        PREDICTION: 6 + (sleep - 450) / 60,
    }
    return reference_of(columns, users, np.full(len(users), EVENING))


def publish(
    connection: psycopg.Connection[Any],
    reference: Reference | None,
    *,
    version: str = "3",
    name: str = "energy",
) -> None:
    """A champion, as publishing writes it."""
    artifact = an_energy_artifact(reference=reference)
    metadata, _ = unpack(artifact)
    connection.execute(
        """
        insert into predictions.model_artifacts (model_name, model_version, artifact, sha256, metadata)
        values (%s, %s, %s, %s, %s)
        """,
        [name, version, artifact, digest(artifact), Jsonb(metadata.model_dump(mode="json"))],
    )
    connection.execute(
        """
        insert into predictions.model_aliases values (%s, 'champion', %s)
        on conflict (model_name, alias) do update set model_version = excluded.model_version
        """,
        [name, version],
    )


def serve(
    connection: psycopg.Connection[Any],
    now: datetime,
    *,
    people: int = PEOPLE,
    cohort: str = "real",
    version: str = "3",
    longer_sleep: float = 0.0,
    without_sleep: float = 0.0,
    better_answers: float = 0.0,
    first_day: int = 0,
    days: int = 7,
) -> None:
    """One vector and its answer for each person and day before `now`, all as in the training but for what is said."""
    rng = np.random.default_rng(2)
    levels = np.random.default_rng(1).normal(450, 40, PEOPLE)
    for number in range(people):
        user_id = person(number, cohort)
        connection.execute(
            """
            insert into app.users (user_id, username, cohort, data_key_ciphertext) values (%s, %s, %s, '')
            on conflict do nothing
            """,
            [user_id, f"{cohort}{number}", cohort],
        )
        for day in range(first_day, first_day + days):
            sleep = levels[number % PEOPLE] + rng.normal(0, 40)
            features = {
                "sleep_minutes": None if rng.random() < without_sleep else sleep + longer_sleep,
                "noise": rng.normal(),
                "hour_of_day": EVENING,
            }
            as_of = now - timedelta(days=day, hours=1)
            connection.execute(
                """
                insert into predictions.predictions (
                    prediction_id, user_id, model_name, model_version, model_source, as_of, local_date, value,
                    features, origin
                ) values (gen_random_uuid(), %s, 'energy', %s, 'model', %s, %s, %s, %s, 'batch')
                """,
                [
                    user_id,
                    version,
                    as_of,
                    as_of.date(),
                    6 + (sleep - 450) / 60 + better_answers,
                    Jsonb(features),
                ],
            )
