"""Which rows go to which worker, and what is said of a cluster that is not there."""

from __future__ import annotations

from contextlib import closing
from typing import Any

import numpy as np
import pytest

from aurora.settings import load_settings
from pipelines.training import dask_cluster
from pipelines.training.dask_cluster import NoSchedulerError, NoWorkersError, cluster_at, parts_by_person
from pipelines.training.engines import InProcess, engine_of


def test_every_person_is_on_one_worker_and_every_row_is_somewhere() -> None:
    users = np.random.default_rng(1).integers(0, 40, 2_000)

    parts = parts_by_person(users, 3)

    people = [set(users[part].tolist()) for part in parts]
    assert sorted(np.concatenate(parts).tolist()) == list(range(2_000))
    assert sum(map(len, people)) == 40
    assert max(map(len, parts)) < 1.2 * min(map(len, parts))


def test_a_worker_that_no_person_is_left_for_gets_no_part() -> None:
    parts = parts_by_person(np.array([0, 0, 0, 1]), 5)

    assert [part.tolist() for part in parts] == [[0, 1, 2], [3]]


def test_without_a_scheduler_training_stays_in_the_process() -> None:
    with engine_of(load_settings(threads=2)) as engine:
        assert engine == InProcess(2)


def test_an_address_without_a_scheduler_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dask_cluster, "SECONDS_TO_CONNECT", 0.5)
    settings = load_settings(training_dask_scheduler="tcp://127.0.0.1:9")

    with (
        pytest.raises(NoSchedulerError, match=r"127\.0\.0\.1:9 .*`dask scheduler`.*or empty it"),
        engine_of(settings),
    ):
        pass


def test_a_scheduler_without_workers_says_what_to_do() -> None:
    from distributed import LocalCluster

    options: dict[str, Any] = {"n_workers": 0, "processes": False, "dashboard_address": None}
    with (
        closing(LocalCluster(**options)) as empty,
        pytest.raises(NoWorkersError, match="`dask worker "),
        cluster_at(empty.scheduler_address),
    ):
        pass


def test_workers_are_numbered_as_a_person_would() -> None:
    names = ["worker-10", "worker-2", "2", "10", "tcp://10.0.0.1:4000"]

    ordered = sorted(names, key=dask_cluster._in_order)

    assert ordered == ["2", "10", "tcp://10.0.0.1:4000", "worker-2", "worker-10"]
