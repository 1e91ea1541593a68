from __future__ import annotations

from datetime import timedelta
from typing import Any

import psycopg
import pytest
import typer
from typer.testing import CliRunner

from pipelines.prediction.commands import register_prediction
from pipelines.training.commands import register_training
from pipelines.training.promotion import NothingToRollBackError
from pipelines.training.publishing import publish_aliases
from pipelines.training.reevaluation import NothingToJudgeError, NoVersionError, look_again
from pipelines.training.tracking import connect
from tests.pipelines.training.quick_training import copy_version, train
from tests.pipelines.training.warehouse import START, add_people, add_tiles

Connection = psycopg.Connection[Any]

TRAINED = START + timedelta(days=45)


@pytest.mark.parametrize("model", ["energy", "mood"])
def test_a_version_is_judged_beside_every_baseline_on_what_came_after_it(
    connection: Connection, mlflow_uri: str, model: str
) -> None:
    add_people(connection)
    trained = train(connection, mlflow_uri, model, until=TRAINED)
    runs = len(connect(mlflow_uri).search_model_versions())

    look = look_again(connection, model, "real", mlflow_uri=mlflow_uri)

    loss = "mae" if model == "energy" else "rps"
    names = {name.split("/")[1] for name in trained.metrics if name.startswith(f"{loss}/")}
    assert (look.version, look.rows, look.people) == ("1", 12 * 15, 12)
    assert {name.split("/")[1] for name in look.metrics if name.startswith(f"{loss}/")} == names
    assert look.metrics[f"{loss}/model"] < look.metrics[f"{loss}/{look.best_baseline}"]
    assert look.lift.lower > 0
    assert 0.7 < look.metrics["interval/coverage"] <= 1
    assert len(connect(mlflow_uri).search_model_versions()) == runs


def test_a_version_that_knew_every_label_cannot_be_judged(connection: Connection, mlflow_uri: str) -> None:
    add_people(connection)
    train(connection, mlflow_uri)

    with pytest.raises(NothingToJudgeError, match="version 1 knew every label there is"):
        look_again(connection, "energy", "real", mlflow_uri=mlflow_uri, version="1")
    with pytest.raises(NoVersionError, match="no challenger of energy"):
        look_again(connection, "energy", "real", mlflow_uri=mlflow_uri, version="challenger")


def test_the_commands_promote_roll_back_and_look_again(
    connection: Connection, pipelines_url: str, mlflow_uri: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_people(connection)
    add_tiles(connection)
    monkeypatch.setenv("AURORA_POSTGRES_URL", pipelines_url)
    monkeypatch.setenv("AURORA_MLFLOW_URI", mlflow_uri)
    monkeypatch.setenv("COLUMNS", "200")
    app = typer.Typer()
    register_training(app)
    register_prediction(app)
    train(connection, mlflow_uri, until=TRAINED)
    connect(mlflow_uri).set_registered_model_alias("energy", "challenger", copy_version(mlflow_uri))
    publish_aliases(connection, mlflow_uri)

    def run(*words: str) -> str:
        return CliRunner().invoke(app, words).output

    night = (TRAINED + timedelta(days=1)).strftime("%Y-%m-%dT%H:%M:%S")
    predicted = run("predict", "--model", "energy", "--cohort", "real", "--as-of", night)
    shadow = run("evaluate", "energy", "--shadow")
    looked = run("evaluate", "energy", "--version", "challenger")
    moved = run("promote", "energy", "--because", "the shadow says so", "--by", "ada")
    again = run("promote", "energy", "--version", "2", "--because", "twice")
    back = run("rollback", "energy", "--because", "bad mornings")
    end = CliRunner().invoke(app, ["rollback", "energy"])

    assert "beside it, shown to nobody: version 2" in predicted
    assert "12 ratings of 12 people" in shadow
    assert "rated 0.0 hours later in the mean (at most 24)" in shadow
    assert "energy version 2 on 180 ratings of 12 people" in looked
    assert "user_mean" in looked
    assert "energy version 2 promoted; before: 1" in moved
    assert "is champion already" in again
    assert "energy version 1 put back; before: 2" in back
    assert isinstance(end.exception, NothingToRollBackError)
    assert connection.execute(
        "select moved_by from predictions.model_alias_history where kind = 'promote' and alias = 'champion'"
    ).fetchone() == ("ada",)
