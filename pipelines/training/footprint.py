"""What serving a model takes, measured as serving does it: the packed artifact, and one answer with its reasons."""

from __future__ import annotations

import time

import numpy as np

from aurora.models.gate import Footprint
from aurora.models.metrics import Floats
from aurora.predictions.predictor import Predictor

ANSWERS = 20


def footprint_of(artifact: bytes, table: Floats) -> Footprint:
    """The footprint of an artifact; `table` has training rows of its columns.

    The quickest of some answers counts, in CPU time of this thread: what else the machine does is not the model's.
    """
    predictor = Predictor.load(artifact)
    # A row that a baseline answers would ask no tree.
    row = int(np.argmax(predictor.answers(table).by_model))
    vector = dict(zip(predictor.metadata.columns, table[row].tolist(), strict=True))
    seconds: list[float] = []
    for _ in range(ANSWERS):
        began = time.thread_time()
        predictor.predict(vector)
        seconds.append(time.thread_time() - began)
    return Footprint(megabytes=len(artifact) / 1e6, milliseconds=min(seconds) * 1e3)
