"""ONNX Runtime answering one row at a time, in a process and a virtualenv of its own: it imports nothing of AURORA.

    python -c 'from benchmarks.onnx_rows import serve; serve()' models.json

`models.json` says by model which trees (`kind`, `booster`: a file of the native library), where the packed rows
are (`redis`, `keys`) and how many columns each has (`columns`). The first line that it prints is by how much the
converted trees differ from the native ones at most, by model. Then each line that it reads, a model, is a round: the
answer is the seconds that fetching and answering each of its rows once took.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from redis import Redis

INPUT = "rows"


def serve() -> None:
    """Convert, compare, then answer rounds until nobody asks any more."""
    models: dict[str, dict[str, Any]] = json.loads(Path(sys.argv[1]).read_text())
    rounds = {name: _Rows(**model) for name, model in models.items()}
    print(json.dumps({name: rows.farthest() for name, rows in rounds.items()}), flush=True)
    for line in sys.stdin:
        print(json.dumps(rounds[line.strip()].seconds()), flush=True)


class _Rows:
    def __init__(self, kind: str, booster: str, redis: str, keys: list[str], columns: int) -> None:
        from onnxruntime import (  # pyright: ignore[reportMissingImports]  # of the virtualenv
            InferenceSession,
            SessionOptions,
        )

        convert = {"regression": _xgboost, "classes": _lightgbm}[kind]
        model, self._native = convert(Path(booster).read_bytes(), columns)
        options = SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        self._session = InferenceSession(model, options, providers=["CPUExecutionProvider"])
        self._redis, self._keys = Redis.from_url(redis), keys

    def answer(self, key: str) -> float:
        return float(self._session.run(None, {INPUT: self._fetched(key)[None, :]})[0].ravel()[0])

    def _fetched(self, key: str) -> np.ndarray:
        return np.frombuffer(self._redis.get(key), dtype="<f4")  # pyright: ignore[reportArgumentType,reportCallIssue]  # bytes: nothing decodes

    def farthest(self) -> float:
        """The largest difference of an answer to that of the native library."""
        rows = np.stack([self._fetched(key) for key in self._keys])
        answers = np.array([self.answer(key) for key in self._keys])
        return float(np.abs(answers - self._native(rows)).max())

    def seconds(self) -> float:
        began = time.perf_counter()
        for key in self._keys:
            self.answer(key)
        return time.perf_counter() - began


def _xgboost(body: bytes, columns: int) -> tuple[bytes, Callable[[np.ndarray], np.ndarray]]:
    import xgboost
    from onnxmltools import convert_xgboost  # pyright: ignore[reportMissingImports]

    booster = xgboost.Booster()
    booster.load_model(bytearray(body))
    model = convert_xgboost(booster, initial_types=_input_of(columns))
    return model.SerializeToString(), lambda rows: booster.predict(xgboost.DMatrix(rows))


def _lightgbm(body: bytes, columns: int) -> tuple[bytes, Callable[[np.ndarray], np.ndarray]]:
    """The raw score: what is made of it is arithmetic of AURORA's own, which ONNX has no operator for."""
    import lightgbm
    from onnxmltools import convert_lightgbm  # pyright: ignore[reportMissingImports]

    # The converter knows no loss of our own. The raw score of the same trees is what a regression would answer.
    text = body.decode().replace("[objective: custom]", "[objective: regression]")
    text = text.replace("\nfeature_names=", "\nobjective=regression\nfeature_names=", 1)
    booster = lightgbm.Booster(model_str=text)
    model = convert_lightgbm(booster, initial_types=_input_of(columns))
    return model.SerializeToString(), lambda rows: np.asarray(booster.predict(rows, raw_score=True))


def _input_of(columns: int) -> list[tuple[str, Any]]:
    from onnxmltools.convert.common.data_types import (  # pyright: ignore[reportMissingImports]
        FloatTensorType,
    )

    return [(INPUT, FloatTensorType([None, columns]))]
