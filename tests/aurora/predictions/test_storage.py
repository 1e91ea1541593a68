from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID, uuid4

import psycopg
from psycopg.rows import dict_row

from aurora.models.catalogue import MOOD
from aurora.predictions.artifact import digest
from aurora.predictions.baseline import predict_from_baseline
from aurora.predictions.predictor import Predictor
from aurora.predictions.storage import (
    PredictionRow,
    read_predictor,
    read_predictor_async,
    read_versions_async,
    write_predictions,
    write_predictions_async,
)
from tests.aurora.models.people import a_vector, an_energy_artifact

ARTIFACT = an_energy_artifact()
PREDICTOR = Predictor.load(ARTIFACT, version="3")

ANA, BEN = UUID(int=1), UUID(int=2)
PEOPLE = """
    insert into app.users (user_id, username, cohort, data_key_ciphertext)
    values (%(ana)s, 'ana', 'real', ''), (%(ben)s, 'ben', 'real', '')
"""
IDS = {"ana": ANA, "ben": BEN}

PUBLISH = """
    with artifact as (
        insert into predictions.model_artifacts (model_name, model_version, artifact, sha256, metadata)
        values (%(name)s, '3', %(artifact)s, %(sha256)s, '{}')
    )
    insert into predictions.model_aliases (model_name, alias, model_version)
    values (%(name)s, 'champion', '3')
"""


def a_row(**changes: Any) -> PredictionRow:
    row = PredictionRow(
        user_id=ANA,
        as_of=datetime(2026, 3, 1, 7, tzinfo=UTC),
        local_date=date(2026, 3, 1),
        origin="batch",
        prediction=PREDICTOR.predict(a_vector()),
        features=a_vector(),
    )
    return replace(row, **changes)


async def test_a_published_model_is_read_back_by_its_alias(database: psycopg.AsyncConnection) -> None:
    await database.execute(PUBLISH, {"name": "energy", "artifact": ARTIFACT, "sha256": digest(ARTIFACT)})

    predictor = await read_predictor_async(database, "energy", "real")

    assert predictor is not None
    assert predictor.version == "3"
    assert predictor.predict(a_vector()) == PREDICTOR.predict(a_vector())
    assert await read_versions_async(database) == {"energy": "3"}


async def test_the_model_of_one_cohort_is_not_the_model_of_another(database: psycopg.AsyncConnection) -> None:
    await database.execute(
        PUBLISH, {"name": "energy.simulated", "artifact": ARTIFACT, "sha256": digest(ARTIFACT)}
    )

    assert await read_predictor_async(database, "energy", "real") is None
    assert await read_predictor_async(database, "energy", "simulated") is not None


async def _stored(database: psycopg.AsyncConnection) -> list[dict[str, Any]]:
    """All predictions, each with the transaction that wrote it last."""
    cursor = database.cursor(row_factory=dict_row)
    await cursor.execute("select xmin::text, * from predictions.predictions order by prediction_id")
    return await cursor.fetchall()


async def test_writing_the_same_predictions_twice_changes_nothing(database: psycopg.AsyncConnection) -> None:
    await database.execute(PEOPLE, IDS)
    rows = [a_row(), a_row(user_id=BEN)]

    await write_predictions_async(database, rows)
    first = await _stored(database)
    await write_predictions_async(database, rows)

    assert len(first) == 2
    assert await _stored(database) == first


async def test_what_a_version_said_stays_when_another_speaks_of_the_same_instant(
    database: psycopg.AsyncConnection,
) -> None:
    await database.execute(PEOPLE, IDS)
    row = a_row()
    await write_predictions_async(database, [row])
    other = replace(row.prediction, model_version="4", value=1.0)

    await write_predictions_async(database, [replace(row, prediction=other)])

    stored = await _stored(database)
    assert {(line["model_version"], line["value"]) for line in stored} == {
        ("3", row.prediction.value),
        ("4", 1.0),
    }
    assert stored[0]["features"]["energy_ewma_28d"] == 6.0
    assert stored[0]["reasons"][0]["sentence"] == row.prediction.reasons[0].sentence


async def test_what_a_version_said_first_of_an_instant_is_not_written_over(
    database: psycopg.AsyncConnection,
) -> None:
    await database.execute(PEOPLE, IDS)
    row = a_row()
    baseline = a_row(prediction=replace(row.prediction, model_version=None, model_source="baseline"))

    await write_predictions_async(database, [row, baseline])
    await write_predictions_async(
        database,
        [replace(each, prediction=replace(each.prediction, value=1.0)) for each in (row, baseline)],
    )

    stored = await _stored(database)
    assert [line["value"] for line in stored] == [row.prediction.value] * 2
    assert {line["made_at"] for line in stored} == {row.as_of}


async def test_an_answer_from_nobody_can_be_stored(database: psycopg.AsyncConnection) -> None:
    await database.execute(PEOPLE, IDS)
    await write_predictions_async(database, [a_row(prediction=predict_from_baseline(MOOD, {}), features={})])

    assert [line["model_source"] for line in await _stored(database)] == ["none"]


async def test_predictions_go_with_the_person(database: psycopg.AsyncConnection) -> None:
    await database.execute(PEOPLE, IDS)
    await write_predictions_async(database, [a_row(), a_row(user_id=BEN)])

    await database.execute("delete from app.users where user_id = %s", [ANA])

    assert [line["user_id"] for line in await _stored(database)] == [BEN]


async def test_of_somebody_erased_meanwhile_nothing_is_written_and_of_the_others_all(
    database: psycopg.AsyncConnection,
) -> None:
    await database.execute(PEOPLE, IDS)

    await write_predictions_async(database, [a_row(user_id=uuid4()), a_row()])

    assert [line["user_id"] for line in await _stored(database)] == [ANA]


def test_the_sync_functions_do_the_same(database_url: str) -> None:
    with psycopg.Connection[Any].connect(database_url, row_factory=dict_row) as connection:
        connection.execute(PUBLISH, {"name": "energy", "artifact": ARTIFACT, "sha256": digest(ARTIFACT)})
        predictor = read_predictor(connection, "energy", "real")
        connection.execute(PEOPLE, IDS)
        written = write_predictions(connection, [a_row()])
        connection.rollback()

    assert predictor is not None
    assert written == 1
