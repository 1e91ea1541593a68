"""The champions of one asynchronous process: loaded from Postgres on first use, replaced while running.

Loading happens in a thread, one load of a model at a time, and the old model answers until the new one is ready.
MLflow is never asked.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import Any, Final

import psycopg
import structlog

from aurora.database.connections import connect
from aurora.database.listening import keep_listening
from aurora.errors import AuroraError
from aurora.models.boosters import booster_of
from aurora.models.catalogue import MODELS, registered_name
from aurora.predictions.predictor import Predictor
from aurora.predictions.storage import CHANNEL, read_predictor

log = structlog.get_logger(__name__)

LOOK_AGAIN_SECONDS: Final = 60
"""How soon a model that was not there, or could not be loaded, is looked for again without a notification."""


@dataclass
class _Loaded:
    predictor: Predictor | None
    looked_at: float
    is_current: bool
    """Whether this is what Postgres said; if it could not be read or loaded, it is what was known before."""

    @property
    def is_settled(self) -> bool:
        is_there = self.is_current and self.predictor is not None
        return is_there or time.monotonic() - self.looked_at < LOOK_AGAIN_SECONDS


class Champions:
    """The champion of each model and cohort that somebody asked for."""

    def __init__(self, url: str, *, threads: int) -> None:
        self._url = url
        self._threads = threads
        # Imported as the process starts: the first to ask must not wait for it.
        for spec in MODELS.values():
            booster_of(spec.kind)
        self._loaded: dict[tuple[str, str], _Loaded] = {}
        self._locks: dict[tuple[str, str], asyncio.Lock] = {}

    async def get(self, model: str, cohort: str) -> Predictor | None:
        """The champion, or None when nothing is published for this cohort."""
        key = (model, cohort)
        known = self._loaded.get(key)
        lock = self._locks.setdefault(key, asyncio.Lock())
        if known is not None and (known.is_settled or (known.predictor is not None and lock.locked())):
            return known.predictor
        async with lock:
            known = self._loaded.get(key)
            if known is None or not known.is_settled:
                await self._load(key)
            return self._loaded[key].predictor

    async def version(self, model: str, cohort: str) -> str | None:
        """The champion's version. What is in use is not looked at again: `get` does that, and `listen`."""
        known = self._loaded.get((model, cohort))
        predictor = known.predictor if known else await self.get(model, cohort)
        return predictor.version if predictor else None

    async def refresh(self, name: str | None = None) -> None:
        """Load again what is in use: the model registered under `name`, or all.

        A load that is under way may have read the alias before it moved: this one waits for it and reads again.
        """
        for key, lock in list(self._locks.items()):
            if name is None or registered_name(*key) == name:
                async with lock:
                    await self._load(key)

    async def listen(self) -> None:
        """Follow moved aliases, for ever. A new connection may have missed some: it loads all again."""
        await keep_listening(self._url, CHANNEL, self._hear)

    async def _hear(self, connection: psycopg.AsyncConnection[Any]) -> None:
        await self.refresh()
        async for notification in connection.notifies():
            await self.refresh(notification.payload or None)

    async def _load(self, key: tuple[str, str]) -> None:
        model, cohort = key
        before = self._loaded.get(key)
        is_current = True
        try:
            predictor = await asyncio.to_thread(self._read, model, cohort)
        except (AuroraError, psycopg.Error) as error:
            # The old model is better than none; without one the baseline answers.
            log.warning("model_not_loaded", model=model, cohort=cohort, problem=str(error))
            predictor, is_current = before.predictor if before else None, False
        self._loaded[key] = _Loaded(predictor, time.monotonic(), is_current)
        log.info("model_loaded", model=model, cohort=cohort, version=predictor and predictor.version)

    def _read(self, model: str, cohort: str) -> Predictor | None:
        with connect(self._url) as connection:
            return read_predictor(connection, model, cohort, threads=self._threads)
