"""What is published of the aliases in MLflow, and what Postgres keeps to itself."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any, NoReturn

import psycopg
import pytest

from aurora.errors import ServiceUnavailableError
from aurora.predictions.storage import CHALLENGER, CHAMPION, read_versions
from pipelines.prediction.batch import predict_cohort
from pipelines.training import promotion
from pipelines.training.champion import version_under
from pipelines.training.promotion import promote
from pipelines.training.publishing import publish_aliases
from pipelines.training.tracking import connect
from tests.pipelines.training.quick_training import copy_version, train
from tests.pipelines.training.warehouse import START, add_people, add_tiles

Connection = psycopg.Connection[Any]

NOW = START + timedelta(days=60)
"""Just after the last rating of `add_people`."""


def told_of_moves(connection: Connection, alias: str = CHAMPION) -> list[tuple[Any, ...]]:
    return connection.execute(
        """
        select model_version, kind, reason, moved_by
        from predictions.model_alias_history
        where alias = %s
        order by move_id
        """,
        [alias],
    ).fetchall()


def test_a_version_of_another_cohort_or_model_is_not_published_under_a_name_that_is_not_its_own(
    connection: Connection, mlflow_uri: str
) -> None:
    add_people(connection, cohort="simulated")
    train(connection, mlflow_uri, cohort="simulated")
    client = connect(mlflow_uri)
    source = client.get_model_version("energy.simulated", "1").source or ""
    for name in ("energy", "mood.simulated"):
        client.create_registered_model(name)
        client.create_model_version(name, source)
        client.set_registered_model_alias(name, CHAMPION, "1")

    published = publish_aliases(connection, mlflow_uri)

    assert published.moves == ()
    assert [problem.split(": ", 1)[1] for problem in published.problems] == [
        "energy version 1 is a model of energy for cohort simulated",
        "mood.simulated version 1 is a model of energy for cohort simulated",
    ]
    assert read_versions(connection) == {"energy.simulated": "1"}


def test_a_move_that_could_not_be_published_at_once_keeps_its_reason(
    connection: Connection, mlflow_uri: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_people(connection)
    train(connection, mlflow_uri)
    second = copy_version(mlflow_uri)

    def fail(*args: object) -> NoReturn:
        raise psycopg.OperationalError("the connection is lost")

    asked: dict[str, Any] = {"because": "a study", "moved_by": "ada", "version": second}
    with monkeypatch.context() as broken:
        broken.setattr(promotion, "publish_aliases", fail)
        with pytest.raises(psycopg.OperationalError):
            promote(connection, "energy", "real", mlflow_uri=mlflow_uri, **asked)
    before = read_versions(connection)
    publish_aliases(connection, mlflow_uri)

    assert before == {"energy": "1"}
    assert told_of_moves(connection)[-1] == (second, "promote", "a study", "ada")
    assert read_versions(connection) == {"energy": second}

    client = connect(mlflow_uri)
    client.set_registered_model_alias("energy", CHAMPION, "1")
    publish_aliases(connection, mlflow_uri)
    client.set_registered_model_alias("energy", CHAMPION, second)
    publish_aliases(connection, mlflow_uri)
    assert told_of_moves(connection)[-1] == (second, "mlflow", "moved in MLflow", None)


def test_promoting_what_mlflow_has_as_champion_already_publishes_it(
    connection: Connection, mlflow_uri: str
) -> None:
    add_people(connection)
    train(connection, mlflow_uri)
    second = copy_version(mlflow_uri)
    connect(mlflow_uri).set_registered_model_alias("energy", CHAMPION, second)

    moved = promote(connection, "energy", "real", mlflow_uri=mlflow_uri, because="at once", version=second)

    assert (moved.previous, moved.version, moved.is_new) == ("1", second, True)
    assert read_versions(connection) == {"energy": second}


def test_an_mlflow_that_was_set_up_anew_neither_withdraws_a_champion_nor_takes_its_number(
    connection: Connection, mlflow_uri: str, empty_mlflow: Path, tmp_path: Path
) -> None:
    add_people(connection)
    train(connection, mlflow_uri)
    second = copy_version(mlflow_uri)
    promote(connection, "energy", "real", mlflow_uri=mlflow_uri, because="it is newer", version=second)
    (tmp_path / "anew.db").write_bytes(empty_mlflow.read_bytes())
    anew = f"sqlite:///{tmp_path}/anew.db"

    empty = publish_aliases(connection, anew)
    again = train(connection, anew)

    assert empty.moves == ()
    assert "is this the right MLflow?" in empty.problems[0]
    assert again.version == "1"
    assert "Postgres has version 1 of energy already, of another run" in again.sentences[-1]
    assert read_versions(connection) == {"energy": second}


def test_while_mlflow_is_away_the_champion_stays_and_answers(connection: Connection, mlflow_uri: str) -> None:
    add_people(connection)
    add_tiles(connection)
    train(connection, mlflow_uri)

    with pytest.raises(ServiceUnavailableError, match="MLflow"):
        publish_aliases(connection, "http://127.0.0.1:9")

    assert read_versions(connection) == {"energy": "1"}
    assert predict_cohort(connection, "energy", "real", as_of=NOW).by_model == 12


def test_a_word_in_mlflow_that_nobody_can_read_stops_nothing(connection: Connection, mlflow_uri: str) -> None:
    add_people(connection)
    train(connection, mlflow_uri)
    second = copy_version(mlflow_uri)
    client = connect(mlflow_uri)
    client.set_registered_model_tag("energy", "moved.champion", '{"version": 2')
    client.set_registered_model_alias("energy", CHAMPION, second)

    publish_aliases(connection, mlflow_uri)

    assert told_of_moves(connection)[-1][:2] == (second, "mlflow")


def test_a_challenger_that_a_hand_set_outlives_the_nightly_training_and_answers_in_the_shadow(
    connection: Connection, mlflow_uri: str
) -> None:
    add_people(connection)
    add_tiles(connection)
    train(connection, mlflow_uri)
    wanted, client = copy_version(mlflow_uri), connect(mlflow_uri)
    client.set_registered_model_alias("energy", CHALLENGER, wanted)

    night = train(connection, mlflow_uri, tags={"dagster_run_id": "d-1"})
    report = predict_cohort(connection, "energy", "real", as_of=NOW)

    assert night.outcome == "promoted"
    assert f"challenger {wanted} was put there by a person, and stays" in night.sentences
    assert version_under(client, "energy", CHALLENGER) == report.shadow.version == wanted
    assert told_of_moves(connection, CHALLENGER)[-1][:2] == (wanted, "mlflow")


def test_a_challenger_of_a_training_by_hand_gives_way_to_the_next_by_hand_and_to_no_night(
    connection: Connection, mlflow_uri: str
) -> None:
    add_people(connection, effect=0.0)
    nightly = {"dagster_run_id": "d-1"}

    seen = []
    for tags in (nightly, None, nightly, None):
        train(connection, mlflow_uri, tags=tags)
        seen.append(read_versions(connection, alias=CHALLENGER)["energy"])

    assert seen == ["1", "2", "2", "4"]
