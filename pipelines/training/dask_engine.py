"""Boosters fitted by all workers of a Dask cluster together, each on the rows of its people.

Both libraries then build the very same trees on every worker: histograms of gradients are summed over the
workers before a split is chosen. XGBoost has all of it in `xgboost.dask`. LightGBM's Dask estimators cannot
carry an ordinal loss: they give an objective the labels and scores of a worker's rows, and this one also needs
where each row starts from, one share per class, for which neither `init_score` (one score per row here) nor the
weights have room. So each worker calls `lightgbm.train` on its part with the addresses of all, which is what
`lightgbm.dask` does underneath.
"""

from __future__ import annotations

import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import numpy as np

from aurora.models.boosting import Fit, Trial
from aurora.models.catalogue import ModelSpec
from aurora.models.class_booster import ClassBooster
from aurora.models.metrics import Floats, Ints
from aurora.models.regression_booster import RegressionBooster, xgboost_params
from pipelines.training.dask_cluster import Cluster, cluster_at, parts_by_person
from pipelines.training.engines import Data

if TYPE_CHECKING:
    from dask.array import Array
    from xgboost.dask import DaskDMatrix

MINUTES_TO_MEET = 2
"""How long a LightGBM worker tries to reach the others."""


@dataclass(frozen=True)
class DaskEngine:
    """Fits on the workers of a cluster, with so many threads on each."""

    cluster: Cluster
    threads: int = 1

    @classmethod
    @contextmanager
    def connected(cls, address: str, *, threads: int = 1) -> Iterator[DaskEngine]:
        """On all workers of the scheduler at `address`; what it raises says what to do (`cluster_at`)."""
        with cluster_at(address) as cluster:
            yield cls(cluster, threads)

    @property
    def description(self) -> str:
        return f"dask, workers: {len(self.cluster.workers)}, threads of each: {self.threads}"

    @property
    def at_once(self) -> int:
        """One: each fit takes all workers, and two that wait for each other's would never end."""
        return 1

    def fit(self, spec: ModelSpec, data: Data, *, rounds: int) -> Fit:
        """Train for exactly `rounds` rounds. Raises ClusterTrainingError."""
        if spec.kind == "regression":
            return Fit(RegressionBooster(self._boosted(spec, data, rounds), self.threads))
        body = self._on_each(_fit_classes, spec, data, rounds)[0]
        return Fit(ClassBooster.from_bytes(body, self.threads))

    def tried(self, spec: ModelSpec, data: Data, *, judged: Ints) -> Trial:
        """Train on all but the rows numbered `judged`, by as many rounds as do best on these.

        Raises ClusterTrainingError.
        """
        rest, watched = data.without(judged), data.part(judged)
        if spec.kind == "regression":
            booster = self._boosted(spec, rest, spec.max_rounds, watched=watched)
            rounds = booster.best_iteration + 1
            return Trial(RegressionBooster(booster[:rounds], self.threads), rounds, booster.best_score)
        body, rounds, loss = self._on_each(_try_classes, spec, rest, watched)[0]
        return Trial(ClassBooster.from_bytes(body, self.threads), rounds, loss)

    def _boosted(self, spec: ModelSpec, data: Data, rounds: int, *, watched: Data | None = None) -> Any:
        """XGBoost's booster."""
        from xgboost import dask as boosting

        params, options = xgboost_params(spec, self.threads), {}
        with self.cluster.failures_told():
            with self.cluster.alone():
                pass  # They can be had: the library would wait for ever for a training that was killed.
            matrix = self._matrix(data)
            if watched is not None:
                params |= {"eval_metric": "mae"}
                options["evals"] = [(self._matrix(watched), "judged")]
                options["early_stopping_rounds"] = spec.patience_rounds
            trained = boosting.train(
                self.cluster.client, params, matrix, rounds, verbose_eval=False, **options
            )
        return trained["booster"]

    def _matrix(self, data: Data) -> DaskDMatrix:
        from xgboost.dask import DaskDMatrix

        parts = parts_by_person(data.users, len(self.cluster.workers))
        design, target, start = (
            self._placed(values, parts) for values in (data.design, data.target, data.start)
        )
        return DaskDMatrix(self.cluster.client, design, target, base_margin=start)

    def _placed(self, values: Floats | Ints, parts: tuple[Ints, ...]) -> Array:
        """The rows as an array of Dask, part by part on the workers in order."""
        from dask import array
        from dask.delayed import delayed

        pieces = []
        for worker, part in zip(self.cluster.workers, parts, strict=False):
            there = self.cluster.client.scatter(values[part], workers=[worker], hash=False)
            shape = (len(part), *values.shape[1:])
            pieces.append(array.from_delayed(delayed(there), shape, dtype=values.dtype))
        return array.concatenate(pieces)

    def _on_each(self, task: Any, spec: ModelSpec, data: Data, more: Any) -> list[Any]:
        """What `task` answers on each worker, given the recipe, its part, its network, threads and `more`."""
        client, parts = self.cluster.client, parts_by_person(data.users, len(self.cluster.workers))
        with self.cluster.failures_told(), self.cluster.alone():
            if isinstance(more, Data):
                more = client.scatter(more, broadcast=True, hash=False)
            futures = []
            for worker, part, network in zip(
                self.cluster.workers, parts, self._networks(len(parts)), strict=False
            ):
                rows = client.scatter(data.part(part), workers=[worker], hash=False)
                asked = (spec, rows, network, self.threads, more)
                futures.append(client.submit(task, *asked, workers=[worker], pure=False))
            return self.cluster.results(futures)

    def _networks(self, count: int) -> list[dict[str, Any]]:
        """LightGBM's parameters by which the first `count` workers find one another; none for one alone."""
        if count == 1:
            return [{}]
        workers = self.cluster.workers[:count]
        found = [self.cluster.client.submit(_free_port, workers=[name], pure=False) for name in workers]
        ports = self.cluster.results(found)
        machines = ",".join(
            f"{urlsplit(name).hostname}:{port}" for name, port in zip(workers, ports, strict=True)
        )
        return [
            {
                "machines": machines,
                "local_listen_port": port,
                "num_machines": count,
                "time_out": MINUTES_TO_MEET,
                "tree_learner": "data",
            }
            for port in ports
        ]


def _fit_classes(spec: ModelSpec, part: Data, network: Mapping[str, Any], threads: int, rounds: int) -> bytes:
    """A worker's share of a training; the booster of all."""
    target = part.target.astype(np.int64)
    fitted = ClassBooster.fit(
        spec, part.design, part.start, target, rounds=rounds, threads=threads, network=network
    )
    return fitted.booster.to_bytes()


def _try_classes(
    spec: ModelSpec, part: Data, network: Mapping[str, Any], threads: int, watched: Data
) -> tuple[bytes, int, float]:
    """A worker's share of a trial.

    Every worker judges all of the judged rows: LightGBM sums no metric over workers, and workers that stop
    at different rounds wait for one another for ever.
    """
    both = [(part.design, watched.design), (part.start, watched.start), (part.target, watched.target)]
    design, start, target = (np.concatenate(pair) for pair in both)
    trial = ClassBooster.tried(
        spec,
        design,
        start,
        target.astype(np.int64),
        judged=np.arange(len(part.target), len(target)),
        threads=threads,
        network=network,
    )
    return trial.booster.to_bytes(), trial.rounds, trial.loss


def _free_port() -> int:
    """A port of this worker that nobody listens on."""
    with socket.socket() as listener:
        listener.bind(("", 0))
        return int(listener.getsockname()[1])
