"""One row in process: our predictor and its reasons, and ONNX Runtime with the same trees."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

import numpy as np
from redis import Redis
from redis.asyncio import Redis as AsyncRedis

from aurora import clock
from aurora.features.live import read_tiles
from aurora.features.vector import Moment, vector
from aurora.models.boosters import booster_of
from aurora.models.catalogue import MODELS
from aurora.predictions.artifact import unpack
from aurora.predictions.predictor import Vector
from benchmarks.environments import ONNX, PROJECT
from benchmarks.prediction_servers import ONE_THREAD
from benchmarks.trained_people import PACKED, Asked, TrainedPeople
from streams.features.people import Person


class OneRow:
    """One model answering moments one by one; each method gives the seconds of all of them."""

    def __init__(self, asked: Asked, redis: Redis) -> None:
        self.asked, self._redis = asked, redis
        self._predictor, self._columns = asked.predictor, asked.predictor.metadata.columns
        asked.store(redis)

    @property
    def count(self) -> int:
        return len(self.asked.keys)

    def predicting(self) -> float:
        """Fetched by one GET and answered, with the interval and without reasons."""
        return self._seconds(
            lambda key, user_id: self._predictor.predict(
                self._fetched(key), user_id=user_id, with_reasons=False
            )
        )

    def predicting_with_reasons(self) -> float:
        return self._seconds(
            lambda key, user_id: self._predictor.predict(self._fetched(key), user_id=user_id)
        )

    def explaining(self) -> float:
        """Exact TreeSHAP shares of every feature, without the answer."""
        return self._seconds(
            lambda key, user_id: self._predictor.explain(self._fetched(key), user_id=user_id)
        )

    def _fetched(self, key: str) -> Vector:
        stored = self._redis.get(key)
        if not isinstance(stored, bytes):
            raise LookupError(f"Redis has lost {key}")
        return dict(zip(self._columns, np.frombuffer(stored, PACKED).tolist(), strict=True))

    def _seconds(self, answer: Callable[[str, str], object]) -> float:
        began = time.perf_counter()
        for key, user_id in zip(self.asked.keys, self.asked.people, strict=True):
            answer(key, user_id)
        return time.perf_counter() - began


class Trees:
    """The trees of one model alone, without fetching and without anything that is made of their score."""

    def __init__(self, people: TrainedPeople, name: str, asked: Asked) -> None:
        spec = MODELS[name]
        self._booster = booster_of(spec.kind).from_bytes(unpack(people.artifact(spec))[1])
        self._booster.prepare()
        self._design = asked.predictor.design(asked.table)

    def as_arrays(self) -> float:
        """The seconds of one row, on average."""
        return self._seconds(rows=1)

    def by_library(self) -> float:
        """The seconds of one call of the library, with the two rows that it takes to come to it."""
        return self._seconds(rows=2)

    def _seconds(self, rows: int) -> float:
        starts = range(len(self._design) - rows + 1)
        began = time.perf_counter()
        for start in starts:
            self._booster.score(self._design[start : start + rows])
        return (time.perf_counter() - began) / len(starts)


class FromTiles:
    """The whole of what the API computes for a person: their tiles by one HGETALL, the vector, the answer."""

    def __init__(self, asked: Asked, people: list[Person], redis_url: str) -> None:
        self._predictor, self._people, self._url = asked.predictor, people, redis_url

    @property
    def count(self) -> int:
        return len(self._people)

    def predicting(self) -> float:
        return asyncio.run(self._predicting())

    async def _predicting(self) -> float:
        async with AsyncRedis.from_url(self._url) as redis:
            began = time.perf_counter()
            for person in self._people:
                await self._answer(redis, person.user_id, person.tz)
            return time.perf_counter() - began

    async def _answer(self, redis: AsyncRedis, user_id: UUID, tz: str) -> None:
        tiles = await read_tiles(redis, user_id)
        if tiles is None:
            raise LookupError(f"Redis holds no tiles of {user_id}")
        features = vector(tiles, Moment.at(clock.now(), tz))
        self._predictor.predict(features, user_id=user_id, with_reasons=False)


class OnnxRows:
    """ONNX Runtime in its own process, one GET and one run of the trees a row."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self.farthest: Mapping[str, float] = self._read()

    @classmethod
    @contextmanager
    def running(cls, people: TrainedPeople, rows: Mapping[str, OneRow], cache: Path) -> Iterator[OnnxRows]:
        """PackagesMissingError when ONNX Runtime and its converters cannot be had."""
        python, models = ONNX.python(cache), people.services.folder / "onnx.json"
        models.write_text(json.dumps({name: _described(people, name, row) for name, row in rows.items()}))
        process = subprocess.Popen(
            [str(python), "-c", "from benchmarks.onnx_rows import serve; serve()", str(models)],
            cwd=PROJECT,
            env=os.environ | ONE_THREAD,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        try:
            yield cls(process)
        finally:
            process.terminate()
            process.wait(15)

    def predicting(self, name: str) -> float:
        """The seconds of all rows of the model called `name`."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{name}\n")
        self._process.stdin.flush()
        return float(self._read())

    def _read(self) -> Any:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError("ONNX Runtime ended; what it said stands above")
        return json.loads(line)


def one_rows(people: TrainedPeople, count: int) -> dict[str, OneRow]:
    redis = Redis.from_url(people.services.redis_url)
    return {name: OneRow(people.asked(spec, count), redis) for name, spec in MODELS.items()}


def _described(people: TrainedPeople, name: str, row: OneRow) -> dict[str, object]:
    booster = people.services.folder / f"{name}.booster"
    booster.write_bytes(unpack(people.artifact(MODELS[name]))[1])
    return {
        "kind": MODELS[name].kind,
        "booster": str(booster),
        "redis": people.services.redis_url,
        "keys": row.asked.design_keys(),
        "columns": len(row.asked.predictor.metadata.design_columns),
    }
