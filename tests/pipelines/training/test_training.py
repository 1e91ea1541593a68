from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
import typer
from typer.testing import CliRunner

from aurora.models.catalogue import ENERGY, ModelSpec
from aurora.predictions.storage import read_predictor
from pipelines.prediction.commands import register_prediction
from pipelines.training.commands import register_training
from pipelines.training.publishing import publish_aliases
from pipelines.training.tracking import connect
from pipelines.training.training import cohorts_with_labels
from tests.pipelines.training.quick_training import QUICK, train
from tests.pipelines.training.warehouse import START, add_people, add_tiles, person


@pytest.mark.parametrize("model", ["energy", "mood"])
def test_a_model_that_wins_becomes_champion_and_is_published(
    connection: psycopg.Connection[Any], mlflow_uri: str, model: str
) -> None:
    add_people(connection)

    report = train(connection, mlflow_uri, model)

    predictor = read_predictor(connection, model, "real")
    assert report.outcome == "promoted", report.sentences
    assert predictor is not None
    assert predictor.version == report.version
    metric = "mae" if model == "energy" else "rps"
    assert report.metrics[f"{metric}/model"] < 0.95 * report.metrics[f"{metric}/ewma"]


def test_the_run_says_what_was_trained_on_what_and_why_it_was_promoted(
    connection: psycopg.Connection[Any], mlflow_uri: str
) -> None:
    add_people(connection)

    report = train(connection, mlflow_uri, tags={"dagster_run_id": "d-1"})

    client = connect(mlflow_uri)
    run = client.get_run(report.run_id or "")
    artifacts = {file.path for file in client.list_artifacts(run.info.run_id, "evaluation")}
    kind = client.get_experiment(run.info.experiment_id).tags["mlflow.experimentKind"]
    assert kind == "custom_model_development"
    assert run.info.run_name == "real 2026-03-01"
    assert run.data.tags["gate"] == "promoted"
    assert run.data.tags["dagster_run_id"] == "d-1"
    assert {"git_sha", "data_version", "data_window", "feature_set_version"} <= set(run.data.tags)
    assert {"mae/model", "mae/ewma", "mae/user_mean", "r2/model", "lift/lower"} <= set(run.data.metrics)
    assert {"mae/served", "calibration_error/model", "new_people_mae/model", "new_people_lift/lower"} <= set(
        run.data.metrics
    )
    assert run.data.params["max_depth"] == "5"
    assert run.data.params["tuning_budget"] == "rounds: one training of at most 40, ended 40 after the best"
    assert run.inputs is not None
    told = run.inputs.dataset_inputs[0]
    assert (told.dataset.name, told.dataset.digest) == ("energy real", report.data_version)
    assert [(tag.key, tag.value) for tag in told.tags] == [("mlflow.data.context", "training")]
    assert run.data.tags["engine"] == "in process, threads: 1"
    assert run.data.params["people"] == "12"
    assert {"evaluation/predicted_vs_observed.png", "evaluation/model_card.html"} <= artifacts
    described = client.get_model_version("energy", report.version or "").description or ""
    assert "wins against" in described
    assert "evaluation/model_card.html" in described


def test_the_model_card_of_a_run_shows_every_metric_that_the_run_logged(
    connection: psycopg.Connection[Any], mlflow_uri: str
) -> None:
    add_people(connection)

    report = train(connection, mlflow_uri, tags={"git_sha": "c0ffee"})

    client = connect(mlflow_uri)
    card = client.download_artifacts(report.run_id or "", "evaluation/model_card.html")
    told = Path(card).read_text()
    logged = client.get_run(report.run_id or "").data.metrics
    assert "c0ffee" in told
    assert {name for name in logged if f'data-metric="{name}"' not in told} == set()
    assert str(person(0)) not in told


def test_experiment_and_registered_model_say_what_they_are(
    connection: psycopg.Connection[Any], mlflow_uri: str
) -> None:
    add_people(connection)

    train(connection, mlflow_uri)

    client = connect(mlflow_uri)
    registered = client.get_registered_model("energy")
    experiment = client.get_experiment_by_name("energy")
    assert experiment is not None
    assert "Compare `mae/model` with `mae/ewma`" in experiment.tags["mlflow.note.content"]
    assert (registered.description or "").startswith("Of cohort `real`. **Energy** that a person would state")
    assert registered.tags["cohort"] == "real"


def test_the_input_example_is_answered_and_is_nobodys(
    connection: psycopg.Connection[Any], mlflow_uri: str
) -> None:
    import mlflow

    add_people(connection)
    train(connection, mlflow_uri)

    model = mlflow.pyfunc.load_model("models:/energy@champion")

    example: Any = model.input_example
    answers = model.predict(example)
    known = connection.execute("select avg_sleep_last_7d from features.moment_energy_features").fetchall()
    assert len(answers) == 3
    assert answers["value"].between(0, 10).all()
    assert example["avg_sleep_last_7d"].is_monotonic_increasing
    assert {tuple(row) for row in example[["avg_sleep_last_7d"]].to_numpy()}.isdisjoint(known)


def test_a_useless_model_is_refused_and_stays_challenger(
    connection: psycopg.Connection[Any], mlflow_uri: str
) -> None:
    add_people(connection, effect=0.0)

    report = train(connection, mlflow_uri)

    assert report.outcome == "refused"
    assert "does not win" in report.sentences[1]
    assert read_predictor(connection, "energy", "real") is None
    assert read_predictor(connection, "energy", "real", alias="challenger") is not None


def test_a_leaky_model_is_refused_and_goes_nowhere(
    connection: psycopg.Connection[Any], mlflow_uri: str
) -> None:
    add_people(connection, leak=True)

    report = train(connection, mlflow_uri)

    assert report.outcome == "refused"
    assert any("look for a leak" in sentence for sentence in report.sentences)
    assert read_predictor(connection, "energy", "real", alias="challenger") is None


def test_a_refit_on_another_day_replaces_the_champion_when_it_is_not_inferior(
    connection: psycopg.Connection[Any], mlflow_uri: str
) -> None:
    # Enough people that one lucky day of a few does not decide.
    add_people(connection, people=30)
    first = train(connection, mlflow_uri)
    add_people(connection, people=30, first_day=60, days=2)

    second = train(connection, mlflow_uri)

    assert second.reference == f"champion {first.version}"
    assert second.outcome == "promoted", second.sentences
    assert "is not inferior" in second.sentences[1]


def test_a_new_recipe_that_learns_nothing_does_not_replace_the_champion(
    connection: psycopg.Connection[Any], mlflow_uri: str
) -> None:
    add_people(connection)
    champion = train(connection, mlflow_uri)

    lame = train(connection, mlflow_uri, spec=replace(QUICK["energy"], max_rounds=1, recipe="lame"))

    predictor = read_predictor(connection, "energy", "real")
    assert lame.outcome == "refused"
    assert predictor is not None
    assert predictor.version == champion.version


def test_an_alias_that_a_hand_moved_is_published_with_its_history(
    connection: psycopg.Connection[Any], mlflow_uri: str
) -> None:
    add_people(connection)
    first = train(connection, mlflow_uri)
    second = train(connection, mlflow_uri)
    connection.execute("listen aurora_models")
    connect(mlflow_uri).set_registered_model_alias("energy", "champion", first.version or "")

    published = publish_aliases(connection, mlflow_uri)
    again = publish_aliases(connection, mlflow_uri)

    told = [notice.payload for notice in connection.notifies(timeout=1, stop_after=1)]
    history = connection.execute(
        """
        select model_version, previous_version, kind, reason
        from predictions.model_alias_history
        order by move_id
        """
    ).fetchall()
    assert [(move.version, move.previous) for move in published.moves] == [(first.version, second.version)]
    assert again.moves == ()
    assert told == ["energy"]
    assert history[-1] == (first.version, second.version, "mlflow", "moved in MLflow")
    assert history[0][3].startswith("gate: ")


def test_simulated_people_never_train_the_model_of_real_ones(
    connection: psycopg.Connection[Any], mlflow_uri: str
) -> None:
    add_people(connection, cohort="simulated")
    add_people(connection, cohort="real", people=1, days=3)

    simulated = train(connection, mlflow_uri, cohort="simulated")
    real = train(connection, mlflow_uri, cohort="real")

    assert simulated.registered_name == "energy.simulated"
    assert real.outcome == "too_little_data"
    assert read_predictor(connection, "energy", "real") is None
    assert cohorts_with_labels(connection) == ["real", "simulated"]


def test_the_ceiling_of_a_simulation_and_the_skill_stand_beside_the_metrics(
    connection: psycopg.Connection[Any], mlflow_uri: str
) -> None:
    add_people(connection, cohort="simulated")
    connection.execute(
        """
        insert into raw.simulations (cohort, seed, users, days, ends_on, truth_path, ceiling)
        values (
            'simulated', 7, 12, 60, '2026-03-01', 'no/such/file',
            '{"attainable": {"energy_mae": 0.55, "energy_r2": 0.9}}'
        )
        """
    )

    metrics = train(connection, mlflow_uri, cohort="simulated").metrics

    expected = (metrics["mae/user_mean"] - metrics["mae/model"]) / (metrics["mae/user_mean"] - 0.55)
    assert metrics["mae/ceiling"] == 0.55
    assert metrics["skill/mae"] == pytest.approx(expected)


def test_the_same_rows_and_seed_give_the_same_artifact(
    connection: psycopg.Connection[Any], mlflow_uri: str
) -> None:
    add_people(connection)
    first, second = train(connection, mlflow_uri), train(connection, mlflow_uri)

    hashes = connection.execute(
        "select distinct sha256 from predictions.model_artifacts where model_name = 'energy'"
    ).fetchall()
    assert first.data_version == second.data_version
    assert len(hashes) == 1


def test_training_as_of_an_earlier_day_sees_nothing_later(
    connection: psycopg.Connection[Any], mlflow_uri: str
) -> None:
    add_people(connection, known_after=timedelta(days=2))

    report = train(connection, mlflow_uri, until=START + timedelta(days=40))

    assert report.rows == 12 * 39
    assert report.window.endswith("2026-02-08")


def test_an_erased_person_is_not_trained_on(
    connection: psycopg.Connection[Any], mlflow_uri: str, committed_database: str
) -> None:
    add_people(connection)
    with psycopg.connect(committed_database) as owner:
        owner.execute("update app.users set deleted_at = now() where user_id = %s", [person(0)])

    assert train(connection, mlflow_uri).people == 11


def test_training_says_when_mlflow_is_away(connection: psycopg.Connection[Any]) -> None:
    from aurora.errors import ServiceUnavailableError

    with pytest.raises(ServiceUnavailableError, match="MLflow"):
        train(connection, "http://127.0.0.1:9")


def test_specs_in_these_tests_differ_from_the_catalogue_only_in_speed() -> None:
    def without_speed(spec: ModelSpec) -> ModelSpec:
        return replace(spec, max_rounds=1)

    assert without_speed(QUICK["energy"]) == without_speed(ENERGY)


def test_the_commands_train_predict_and_publish(
    connection: psycopg.Connection[Any],
    pipelines_url: str,
    mlflow_uri: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    add_people(connection)
    add_tiles(connection)
    now = (START + timedelta(days=60)).strftime("%Y-%m-%dT%H:%M:%S")
    monkeypatch.setenv("AURORA_POSTGRES_URL", pipelines_url)
    monkeypatch.setenv("AURORA_MLFLOW_URI", mlflow_uri)
    app = typer.Typer()
    register_training(app)
    register_prediction(app)

    trained = CliRunner().invoke(app, ["train", "--model", "energy"])
    predicted = CliRunner().invoke(app, ["predict", "--model", "energy", "--cohort", "real", "--as-of", now])
    published = CliRunner().invoke(app, ["publish-models"])

    assert trained.exit_code == 0, trained.output
    assert "energy version 1: promoted" in trained.output
    assert "wins against" in trained.output
    assert "12 people, 12 by version 1" in predicted.output
    assert "already agrees" in published.output
