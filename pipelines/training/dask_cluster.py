"""A Dask cluster to train on: how to reach it, which rows go to which worker, and what to say when it fails.

Dask is imported inside the functions: only a training that is told of a scheduler needs it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from aurora.errors import AuroraError
from aurora.models.metrics import Ints

if TYPE_CHECKING:
    from distributed import Client, Future

SECONDS_TO_CONNECT = 30
SECONDS_TO_WAIT = 600
"""How long another training may have the workers: they are taken for one booster at a time."""

SECONDS_BETWEEN_LOOKS = 1.0
"""How often it is looked whether every worker is still there."""


class NoDaskError(AuroraError):
    def __init__(self) -> None:
        super().__init__(
            "AURORA_TRAINING_DASK_SCHEDULER is set and Dask is not installed: install the extra `dask`, or empty "
            "the setting to train in this process"
        )


class NoSchedulerError(AuroraError):
    def __init__(self, address: str, reason: str) -> None:
        super().__init__(
            f"no Dask scheduler answers at {address} ({reason}): start one there with `dask scheduler`, correct "
            "AURORA_TRAINING_DASK_SCHEDULER, or empty it to train in this process"
        )


class NoWorkersError(AuroraError):
    def __init__(self, address: str) -> None:
        super().__init__(
            f"the Dask scheduler at {address} has no workers: start some with `dask worker {address} --name …`"
        )


class ClusterBusyError(AuroraError):
    def __init__(self, address: str) -> None:
        super().__init__(
            f"another training has had the workers of {address} for {SECONDS_TO_WAIT} seconds. If there is one, wait "
            "for it; one that was killed keeps them until the scheduler and its workers are started again"
        )


class ClusterTrainingError(AuroraError):
    def __init__(self, reason: str, lost: Sequence[str], address: str) -> None:
        told = f"lost the worker {', '.join(lost)}" if lost else "failed on a worker"
        super().__init__(
            f"training on Dask {told} ({reason}); nothing was registered. See that `dask worker {address}` runs "
            "where it should and has the memory for its part of the rows, and train again"
        )


@dataclass(frozen=True)
class Cluster:
    """Workers that train together, in the order of their names: the same names, the same result."""

    client: Client
    address: str
    workers: tuple[str, ...]
    """Their addresses."""

    def lost(self) -> tuple[str, ...]:
        """Those that are no longer there; a worker that was started again has another address."""
        now = self.client.scheduler_info(n_workers=-1)["workers"]
        return tuple(worker for worker in self.workers if worker not in now)

    @contextmanager
    def alone(self) -> Iterator[None]:
        """One training at a time: two that wait for each other's workers would wait for ever.

        Raises ClusterBusyError. `xgboost.dask` takes the same locks, and knows no end to its waiting.
        """
        from distributed import MultiLock

        lock = MultiLock(list(self.workers), client=self.client)
        if not lock.acquire(timeout=SECONDS_TO_WAIT):
            raise ClusterBusyError(self.address)
        try:
            yield
        finally:
            # When the scheduler is gone, so is the lock; why it is gone is told by what was raised.
            with suppress(OSError):
                lock.release()

    @contextmanager
    def failures_told(self) -> Iterator[None]:
        """Whatever Dask, a library or a broken connection raises is a ClusterTrainingError."""
        try:
            yield
        except AuroraError:
            raise
        except Exception as error:
            reason = str(error) or type(error).__name__
            raise ClusterTrainingError(reason, self.lost(), self.address) from error

    def results(self, futures: Sequence[Future]) -> list[Any]:
        """The results of tasks that need one another, one per worker.

        Raises ClusterTrainingError as soon as one of them fails or its worker is gone: the others would wait.
        """
        from distributed import wait

        while any(future.status == "pending" for future in futures):
            with suppress(TimeoutError):
                wait(list(futures), timeout=SECONDS_BETWEEN_LOOKS, return_when="FIRST_COMPLETED")
            lost, failed = self.lost(), [future for future in futures if future.status == "error"]
            if lost or failed:
                # Before they are freed: a task that was cancelled has forgotten why it failed.
                reason = str(failed[0].exception()) if failed else "its process ended"
                self._free(futures)
                raise ClusterTrainingError(reason, lost, self.address)
        gathered: Any = self.client.gather(list(futures))
        return list(gathered)

    def _free(self, futures: Sequence[Future]) -> None:
        """End tasks that wait inside a library for a worker that is gone: nothing else reaches them there."""
        stuck = [
            worker for worker, future in zip(self.workers, futures, strict=True) if future.status == "pending"
        ]
        self.client.cancel(list(futures))
        # A worker without a nanny cannot be restarted by anybody but whoever started it.
        with suppress(Exception):
            self.client.restart_workers([worker for worker in stuck if worker not in self.lost()])


@contextmanager
def cluster_at(address: str) -> Iterator[Cluster]:
    """All workers of the scheduler at `address`.

    Raises NoDaskError, NoSchedulerError or NoWorkersError, each of which says what to do.
    """
    try:
        from distributed import Client
    except ImportError as error:
        raise NoDaskError from error
    try:
        client = Client(address, timeout=SECONDS_TO_CONNECT)
    except (OSError, ValueError) as error:
        raise NoSchedulerError(address, str(error)) from error
    with client:
        known = client.scheduler_info(n_workers=-1)["workers"]
        if not known:
            raise NoWorkersError(address)
        ordered = sorted(known, key=lambda worker: _in_order(str(known[worker]["name"])))
        yield Cluster(client, address, tuple(ordered))


def parts_by_person(users: Ints, count: int) -> tuple[Ints, ...]:
    """At most `count` parts of about as many rows, each person's rows in one of them; numbers of rows, in order.

    A person with most of the rows leaves parts empty: those are not there.
    """
    people, rows = np.unique(users, return_counts=True)
    middle = np.cumsum(rows) - rows / 2
    place = np.minimum(middle * count // len(users), count - 1)
    parts = (np.flatnonzero(np.isin(users, people[place == number])) for number in range(count))
    return tuple(part for part in parts if len(part))


def _in_order(name: str) -> list[tuple[bool, int, str]]:
    """Worker 10 comes after worker 2."""
    return [(part.isdigit(), int(part) if part.isdigit() else 0, part) for part in re.split(r"(\d+)", name)]
