"""Where boosters are fitted: one small interface, in this process or on a Dask cluster.

Whatever else a training decides (choices, lines, offsets, evaluation, the gate, the artifact) is the same on
either; what comes back is a native booster.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from aurora.models.boosters import booster_of
from aurora.models.boosting import Fit, Trial
from aurora.models.catalogue import ModelSpec
from aurora.models.metrics import Floats, Ints
from aurora.settings import Settings


@dataclass(frozen=True)
class Data:
    """The rows that have a baseline to start from: what they are trained on, and whose they are."""

    design: Floats
    start: Floats
    target: Floats | Ints
    as_of: Floats
    users: Ints

    def part(self, number: Ints) -> Data:
        """Some of the rows, by number."""
        return Data(
            self.design[number],
            self.start[number],
            self.target[number],
            self.as_of[number],
            self.users[number],
        )

    def without(self, number: Ints) -> Data:
        """All rows but these."""
        return self.part(np.setdiff1d(np.arange(len(self.target)), number))


class Engine(Protocol):
    """Fits boosters."""

    @property
    def description(self) -> str:
        """Where it fits and with how much, for the record of a run."""
        ...

    @property
    def at_once(self) -> int:
        """How many boosters it fits at a time without one of them waiting for the others."""
        ...

    def fit(self, spec: ModelSpec, data: Data, *, rounds: int) -> Fit:
        """Train for exactly `rounds` rounds. May be called from several threads."""
        ...

    def tried(self, spec: ModelSpec, data: Data, *, judged: Ints) -> Trial:
        """Train on all but the rows numbered `judged`, by as many rounds as do best on these."""
        ...


@dataclass(frozen=True)
class InProcess:
    """Fits here and now, with so many threads."""

    threads: int = 1

    @property
    def description(self) -> str:
        return f"in process, threads: {self.threads}"

    @property
    def at_once(self) -> int:
        # Both libraries let other threads run while they fit.
        return max(1, (os.cpu_count() or 1) // self.threads)

    def fit(self, spec: ModelSpec, data: Data, *, rounds: int) -> Fit:
        kind = booster_of(spec.kind)
        return kind.fit(spec, data.design, data.start, data.target, rounds=rounds, threads=self.threads)  # type: ignore[arg-type]  # the targets fit the kind

    def tried(self, spec: ModelSpec, data: Data, *, judged: Ints) -> Trial:
        kind = booster_of(spec.kind)
        return kind.tried(spec, data.design, data.start, data.target, judged=judged, threads=self.threads)  # type: ignore[arg-type]  # the targets fit the kind


IN_PROCESS = InProcess()
"""One thread, right here: what a training uses that names no other engine."""


@contextmanager
def engine_of(settings: Settings) -> Iterator[Engine]:
    """The engine that the settings name: Dask where they have the address of a scheduler."""
    if not settings.training_dask_scheduler:
        yield InProcess(settings.threads)
        return
    from pipelines.training.dask_engine import DaskEngine

    with DaskEngine.connected(settings.training_dask_scheduler, threads=settings.threads) as engine:
        yield engine
