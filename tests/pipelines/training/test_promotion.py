from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest

from aurora.predictions.champions import Champions
from aurora.predictions.storage import read_predictor
from pipelines.resources import default_resources
from pipelines.training import training
from pipelines.training.champion import version_under
from pipelines.training.jobs import promote_model, roll_back_model
from pipelines.training.promotion import (
    CannotRollBackError,
    NoChallengerError,
    NothingToRollBackError,
    SuspectedLeakError,
    VersionNotFoundError,
    promote,
    roll_back,
)
from pipelines.training.publishing import ForeignVersionError, alone, publish_aliases
from pipelines.training.tracking import connect
from tests.pipelines.training.quick_training import QUICK, copy_version, train
from tests.pipelines.training.warehouse import START, add_people

Connection = psycopg.Connection[Any]


def champion_of(connection: Connection) -> str | None:
    predictor = read_predictor(connection, "energy", "real")
    return predictor.version if predictor else None


def promoted(connection: Connection, mlflow_uri: str, version: str | None, **options: Any) -> None:
    options.setdefault("because", "it is better")
    promote(connection, "energy", "real", mlflow_uri=mlflow_uri, version=version, **options)


def rolled_back(connection: Connection, mlflow_uri: str) -> str:
    return roll_back(connection, "energy", "real", mlflow_uri=mlflow_uri, because="bad mornings").version


def test_a_promoted_version_serves_at_once_and_the_history_says_who_and_why(
    connection: Connection, mlflow_uri: str
) -> None:
    add_people(connection)
    first = train(connection, mlflow_uri, tags={"dagster_run_id": "d-1"})
    second = copy_version(mlflow_uri)
    connection.execute("listen aurora_models")

    promoted(connection, mlflow_uri, second, because="the study asked for it", moved_by="ada")

    told = [notice.payload for notice in connection.notifies(timeout=1, stop_after=1)]
    history = connection.execute(
        """
        select model_version, previous_version, kind, reason, moved_by, run_id, dagster_run_id
        from predictions.model_alias_history
        where alias = 'champion'
        order by move_id
        """
    ).fetchall()
    assert champion_of(connection) == second
    assert told == ["energy"]
    assert history[0][:3] == ("1", None, "gate")
    assert history[0][4:] == (None, first.run_id, "d-1")
    assert history[1] == (
        second,
        "1",
        "promote",
        "the study asked for it",
        "ada",
        first.run_id,
        None,
    )


def test_without_a_version_the_challenger_is_promoted_and_is_challenger_no_more(
    connection: Connection, mlflow_uri: str
) -> None:
    add_people(connection, effect=0.0)
    refused = train(connection, mlflow_uri)

    promoted(connection, mlflow_uri, None)

    assert champion_of(connection) == refused.version
    assert read_predictor(connection, "energy", "real", alias="challenger") is None
    with pytest.raises(NoChallengerError, match="--version"):
        promoted(connection, mlflow_uri, None)


def test_what_cannot_be_served_is_refused_and_nothing_moves(connection: Connection, mlflow_uri: str) -> None:
    add_people(connection)
    train(connection, mlflow_uri)
    client = connect(mlflow_uri)
    empty = client.create_model_version("energy", "no/such/place").version
    client.create_registered_model("energy.simulated")
    foreign = client.get_model_version("energy", "1").source or ""
    client.create_model_version("energy.simulated", foreign)

    with pytest.raises(VersionNotFoundError, match="no version 9"):
        promoted(connection, mlflow_uri, "9")
    with pytest.raises(Exception, match="holds no predictor"):
        promoted(connection, mlflow_uri, str(empty))
    with pytest.raises(ForeignVersionError, match="is a model of energy for cohort real"):
        promote(
            connection,
            "energy",
            "simulated",
            mlflow_uri=mlflow_uri,
            because="why not",
            version="1",
            force=True,
        )

    assert version_under(client, "energy", "champion") == champion_of(connection) == "1"
    assert read_predictor(connection, "energy", "simulated") is None


def test_a_suspected_leak_is_promoted_only_by_force(connection: Connection, mlflow_uri: str) -> None:
    add_people(connection, leak=True)
    leaky = train(connection, mlflow_uri).version

    with pytest.raises(SuspectedLeakError, match="suspected leak; --force"):
        promoted(connection, mlflow_uri, leaky)
    assert champion_of(connection) is None

    promoted(connection, mlflow_uri, leaky, force=True)
    assert champion_of(connection) == leaky


def test_rolling_back_goes_further_back_each_time_and_ends_with_a_clear_error(
    connection: Connection, mlflow_uri: str
) -> None:
    add_people(connection)
    train(connection, mlflow_uri)
    for _ in range(2):
        promoted(connection, mlflow_uri, copy_version(mlflow_uri))

    seen = [champion_of(connection)]
    for _ in range(2):
        rolled_back(connection, mlflow_uri)
        seen.append(champion_of(connection))

    moves = connection.execute(
        """
        select model_version, previous_version, reason
        from predictions.model_alias_history
        where kind = 'rollback'
        order by move_id
        """
    ).fetchall()
    assert seen == ["3", "2", "1"]
    assert moves == [("2", "3", "bad mornings"), ("1", "2", "bad mornings")]
    with pytest.raises(NothingToRollBackError, match="no champion of energy before"):
        rolled_back(connection, mlflow_uri)


def test_a_move_in_mlflow_that_nobody_published_yet_is_rolled_back_too(
    connection: Connection, mlflow_uri: str
) -> None:
    add_people(connection)
    train(connection, mlflow_uri)
    connect(mlflow_uri).set_registered_model_alias("energy", "champion", copy_version(mlflow_uri))

    assert rolled_back(connection, mlflow_uri) == "1"


def test_a_version_that_is_gone_cannot_be_put_back(connection: Connection, mlflow_uri: str) -> None:
    add_people(connection)
    train(connection, mlflow_uri)
    promoted(connection, mlflow_uri, copy_version(mlflow_uri))
    connect(mlflow_uri).delete_model_version("energy", "1")

    with pytest.raises(CannotRollBackError, match="version 1 was champion before and cannot be put back"):
        rolled_back(connection, mlflow_uri)

    assert champion_of(connection) == "2"


def test_a_refit_of_what_was_rolled_back_has_to_win_on_ratings_since(
    connection: Connection, mlflow_uri: str
) -> None:
    add_people(connection)
    train(connection, mlflow_uri)
    train(connection, mlflow_uri)
    rolled_back(connection, mlflow_uri)

    next_day = train(connection, mlflow_uri)

    assert next_day.outcome == "refused"
    assert next_day.reference == "champion 1 since version 2 was rolled back"
    assert "judged on 0 people" in next_day.sentences[0]
    assert champion_of(connection) == "1"
    assert read_predictor(connection, "energy", "real", alias="challenger") is not None


def test_once_promoted_by_a_person_the_recipe_is_refitted_as_usual(
    connection: Connection, mlflow_uri: str
) -> None:
    add_people(connection)
    train(connection, mlflow_uri)
    train(connection, mlflow_uri)
    rolled_back(connection, mlflow_uri)
    promoted(connection, mlflow_uri, "2")

    assert "is not inferior to champion 2" in train(connection, mlflow_uri).sentences[1]


def test_a_recipe_that_was_rolled_back_comes_back_when_it_wins_on_ratings_since(
    connection: Connection, mlflow_uri: str, committed_database: str
) -> None:
    add_people(connection)
    lame = replace(QUICK["energy"], max_rounds=1, recipe="lame")
    promoted(connection, mlflow_uri, train(connection, mlflow_uri, spec=lame).version)
    assert train(connection, mlflow_uri).outcome == "promoted"
    rolled_back(connection, mlflow_uri)
    with psycopg.connect(committed_database) as owner:
        owner.execute(
            "update predictions.model_alias_history set moved_at = %s where kind = 'rollback'",
            [START + timedelta(days=50, hours=-1)],
        )

    better = train(connection, mlflow_uri)

    assert better.outcome == "promoted", better.sentences
    assert "12 people (at least 5) and 120 ratings" in better.sentences[0]


def test_a_champion_that_a_person_moved_while_training_ran_stays(
    connection: Connection, mlflow_uri: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_people(connection)
    train(connection, mlflow_uri)
    other = copy_version(mlflow_uri)
    log = training.log_candidate

    def log_slowly(*args: Any, **options: Any) -> Any:
        promoted(connection, mlflow_uri, other)
        return log(*args, **options)

    monkeypatch.setattr(training, "log_candidate", log_slowly)
    report = train(connection, mlflow_uri)

    assert report.outcome == "refused"
    overtaken = connect(mlflow_uri).get_model_version("energy", report.version or "")
    assert training.OVERTAKEN in report.sentences
    assert overtaken.tags["gate"] == "overtaken"
    assert (overtaken.description or "").startswith("**Not champion**: the champion was moved")
    assert champion_of(connection) == other


def test_nobody_publishes_between_a_move_and_its_cause(
    connection: Connection, mlflow_uri: str, pipelines_url: str
) -> None:
    with psycopg.connect(pipelines_url, autocommit=True) as other:
        other.execute("set lock_timeout = '100ms'")
        with alone(connection), pytest.raises(psycopg.errors.LockNotAvailable):
            publish_aliases(other, mlflow_uri)

        assert publish_aliases(other, mlflow_uri).moves == ()


def test_dagster_rolls_back_too_and_the_history_names_its_run(
    connection: Connection, pipelines_url: str, mlflow_uri: str, tmp_path: Path
) -> None:
    add_people(connection)
    train(connection, mlflow_uri)
    resources = default_resources(
        {"postgres_url": pipelines_url, "mlflow_uri": mlflow_uri, "data_dir": str(tmp_path)}
    )
    asked = {"model": "energy", "because": "bad mornings"}
    to_second = {"ops": {"promote_version": {"config": asked | {"version": int(copy_version(mlflow_uri))}}}}
    back = {"ops": {"put_back_version": {"config": asked}}}

    there = promote_model.execute_in_process(run_config=to_second, resources=resources)
    again = roll_back_model.execute_in_process(run_config=back, resources=resources)

    moves = connection.execute(
        """
        select model_version, dagster_run_id
        from predictions.model_alias_history
        where kind in ('promote', 'rollback')
        order by move_id
        """
    ).fetchall()
    assert moves == [("2", there.run_id), ("1", again.run_id)]


async def test_a_running_process_follows_a_rollback_without_a_restart(
    connection: Connection, pipelines_url: str, mlflow_uri: str, role_url: Callable[..., str]
) -> None:
    add_people(connection)
    train(connection, mlflow_uri)
    promoted(connection, mlflow_uri, copy_version(mlflow_uri))
    champions = Champions(role_url("aurora_serving", pipelines_url), threads=1)
    before = await champions.get("energy", "real")
    listening = asyncio.create_task(champions.listen())

    rolled_back(connection, mlflow_uri)

    version = before and before.version
    async with asyncio.timeout(10):
        while version != "1":
            await asyncio.sleep(0.02)
            now = await champions.get("energy", "real")
            version = now and now.version
    listening.cancel()
    with suppress(asyncio.CancelledError):
        await listening
    assert before is not None
    assert before.version == "2"
