"""The same training on a cluster of two workers: the same model as in one process, or a clear error."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from threading import Event, Thread
from typing import TYPE_CHECKING, Any

import numpy as np
import psycopg
import pytest

from aurora.models.boosters import booster_of
from aurora.models.catalogue import ModelSpec
from aurora.models.design import Centring, ClassStart, class_numbers
from aurora.models.metrics import Floats
from aurora.models.targets import TARGETS
from aurora.predictions.storage import read_predictor
from aurora.settings import load_settings
from pipelines.training import dask_cluster
from pipelines.training.dask_cluster import ClusterBusyError, ClusterTrainingError
from pipelines.training.dask_engine import DaskEngine
from pipelines.training.engines import IN_PROCESS, Data, engine_of
from pipelines.training.tracking import connect
from tests.aurora.models.people import ENERGY_SPEC, FEATURES, MOOD_SPEC, a_population
from tests.pipelines.training.quick_training import train
from tests.pipelines.training.warehouse import add_people

if TYPE_CHECKING:
    from distributed import LocalCluster

pytestmark = pytest.mark.slow

WITHOUT_CHANCE = {
    "regression": {"subsample": 1.0, "colsample_bytree": 1.0},
    "classes": {"bagging_fraction": 1.0, "bagging_freq": 0, "feature_fraction": 1.0},
}
BOTH = pytest.mark.parametrize("spec", [ENERGY_SPEC, MOOD_SPEC], ids=["energy", "mood"])


@contextmanager
def two_workers() -> Iterator[LocalCluster]:
    from dask import config  # pyright: ignore[reportPrivateImportUsage]  # documented as dask.config
    from distributed import LocalCluster

    patient = {"distributed.comm.timeouts.connect": "120s", "distributed.comm.timeouts.tcp": "120s"}
    options: dict[str, Any] = {"n_workers": 2, "threads_per_worker": 1, "dashboard_address": None}
    with config.set(patient), closing(LocalCluster(processes=True, **options)) as cluster:
        yield cluster


@pytest.fixture(scope="module")
def scheduler() -> Iterator[str]:
    with two_workers() as cluster:
        yield cluster.scheduler_address


@pytest.fixture(scope="module")
def engine(scheduler: str) -> Iterator[DaskEngine]:
    with DaskEngine.connected(scheduler) as engine:
        yield engine


def some_data(spec: ModelSpec, *, seed: int = 1, levels: int | None = None) -> Data:
    """Rows of thirty people; with `levels` every column has only so many values."""
    people = a_population(seed=seed)
    features = people.features
    if levels:
        low, high = features.min(axis=0), features.max(axis=0)
        features = low + np.round((features - low) / (high - low) * levels) / levels * (high - low)
    design = Centring.of(FEATURES, FEATURES, spec.centred).design(features)
    if spec.kind == "regression":
        return Data(design, people.features[:, 0], people.energy, people.as_of, people.users)
    classes = class_numbers(people.valence)
    values, even = np.array(spec.class_values), np.full(5, 0.2)
    start = ClassStart().of(np.zeros(len(classes)), values, people.shares, even)
    return Data(design, start, classes, people.as_of, people.users)


def latest(data: Data) -> Any:
    return np.flatnonzero(data.as_of >= 50 * 86_400)


def loss(spec: ModelSpec, answers: Floats, data: Data) -> float:
    return TARGETS[spec.kind].loss(answers, data.target)


@BOTH
def test_two_workers_build_the_trees_of_one_process(engine: DaskEngine, spec: ModelSpec) -> None:
    # No sampling, and so few values that every one is a bin of its own wherever it lies. What remains is the
    # order in which sums are taken; in later rounds it may settle a tie between two splits the other way.
    spec = replace(spec, params={**spec.params, **WITHOUT_CHANCE[spec.kind]}, centred=())
    data = some_data(spec, levels=12)

    together, alone = (one.fit(spec, data, rounds=5).booster for one in (engine, IN_PROCESS))

    assert together.answer(data.design, data.start) == pytest.approx(
        alone.answer(data.design, data.start), abs=1e-5
    )


@BOTH
def test_the_recipe_as_it_is_does_as_well_on_new_people(engine: DaskEngine, spec: ModelSpec) -> None:
    # Each worker samples its own rows and finds its bins from its own: other trees, as good ones.
    data, new = some_data(spec), some_data(spec, seed=2)

    together, alone = (one.fit(spec, data, rounds=40).booster for one in (engine, IN_PROCESS))

    losses = [loss(spec, one.answer(new.design, new.start), new) for one in (together, alone)]
    assert losses[0] == pytest.approx(losses[1], rel=0.01)
    assert max(losses) < 0.95 * loss(spec, new.start, new)


@BOTH
def test_a_trial_is_judged_on_all_judged_rows_and_stops_by_itself(
    engine: DaskEngine, spec: ModelSpec
) -> None:
    data = some_data(spec)
    judged = latest(data)

    trial = engine.tried(spec, data, judged=judged)

    there = data.part(judged)
    answers = trial.booster.answer(there.design, there.start)
    alone = IN_PROCESS.tried(spec, data, judged=judged)
    assert 5 < trial.rounds <= spec.max_rounds
    assert loss(spec, answers, there) == pytest.approx(trial.loss, rel=1e-5)
    assert trial.loss == pytest.approx(alone.loss, rel=0.02)


@BOTH
def test_the_same_seed_gives_the_same_bytes_on_a_cluster(engine: DaskEngine, spec: ModelSpec) -> None:
    data = some_data(spec)

    first, second = (engine.fit(spec, data, rounds=20).booster for _ in range(2))
    trials = [engine.tried(spec, data, judged=latest(data)) for _ in range(2)]

    assert first.to_bytes() == second.to_bytes()
    assert trials[0].booster.to_bytes() == trials[1].booster.to_bytes()


@BOTH
def test_what_a_cluster_trained_is_a_native_booster_without_addresses(
    engine: DaskEngine, spec: ModelSpec
) -> None:
    data = some_data(spec)

    booster = engine.fit(spec, data, rounds=5).booster

    again = booster_of(spec.kind).from_bytes(booster.to_bytes())
    assert np.array_equal(again.answer(data.design, data.start), booster.answer(data.design, data.start))
    assert b"127.0.0.1" not in booster.to_bytes()


def test_one_setting_trains_and_promotes_on_the_cluster(
    connection: psycopg.Connection[Any], mlflow_uri: str, scheduler: str
) -> None:
    add_people(connection)

    with engine_of(load_settings(training_dask_scheduler=scheduler)) as engine:
        report = train(connection, mlflow_uri, engine=engine)

    run = connect(mlflow_uri).get_run(report.run_id or "")
    predictor = read_predictor(connection, "energy", "real")
    alone = train(connection, mlflow_uri)
    assert report.outcome == "promoted", report.sentences
    assert predictor is not None
    assert predictor.version == report.version
    assert run.data.tags["engine"] == "dask, workers: 2, threads of each: 1"
    assert report.metrics["mae/ewma"] == alone.metrics["mae/ewma"]
    assert report.metrics["mae/model"] == pytest.approx(alone.metrics["mae/model"], rel=0.02)


@BOTH
def test_workers_that_a_killed_training_keeps_are_not_waited_for_for_ever(
    engine: DaskEngine, spec: ModelSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    from distributed import MultiLock

    monkeypatch.setattr(dask_cluster, "SECONDS_TO_WAIT", 0.5)
    with (
        MultiLock(list(engine.cluster.workers), client=engine.cluster.client),
        pytest.raises(ClusterBusyError, match="the scheduler and its workers are started again"),
    ):
        engine.fit(spec, some_data(spec), rounds=5)


@BOTH
def test_a_worker_that_dies_ends_the_training_with_a_clear_error(spec: ModelSpec) -> None:
    endless = replace(spec, params={**spec.params, **WITHOUT_CHANCE[spec.kind]})
    data = some_data(spec)

    with two_workers() as cluster, DaskEngine.connected(cluster.scheduler_address) as engine:
        worker = engine.cluster.workers[1]
        killer = Thread(target=_kill_in_training, args=(engine, worker), daemon=True)
        killer.start()

        with pytest.raises(ClusterTrainingError, match=r"(?s)lost the worker .*train again"):
            engine.fit(endless, data, rounds=1_000_000)


def _kill_in_training(engine: DaskEngine, worker: str) -> None:
    """End the worker's process, the way the kernel does when memory is short, once it is training."""
    client: Any = engine.cluster.client
    process = client.run(os.getpid, workers=[worker])[worker]
    pause = Event()
    while not any(key.startswith(("fn", "_fit_classes")) for key in map(str, client.processing()[worker])):
        pause.wait(0.1)
    os.kill(process, signal.SIGKILL)
