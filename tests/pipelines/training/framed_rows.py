"""Training rows out of a table, without a database: as they would have been read."""

from __future__ import annotations

from uuid import NAMESPACE_URL, UUID, uuid5

import numpy as np
import polars as pl

from aurora.models.catalogue import ModelSpec
from pipelines.training.rows import TrainingRows


def rows_from_frame(frame: pl.DataFrame, spec: ModelSpec, cohort: str = "real") -> TrainingRows:
    """Rows with the columns `user_id`, `label_event_id` (an id, or any text), `as_of`, `known_at`, `value`, `persona`,
    `precision` and those of the vector, sorted by person. Without `first_known_at` nothing was corrected.
    """
    people, users = np.unique(frame["user_id"].to_numpy().astype(str), return_inverse=True)
    personas = dict(zip(frame["user_id"], frame["persona"], strict=True))
    ids = b"".join(_id_of(label).bytes for label in frame["label_event_id"])
    first = frame["first_known_at" if "first_known_at" in frame.columns else "known_at"]
    vector = frame.select(pl.col(name).cast(pl.Float64) for name in spec.columns)
    return TrainingRows(
        spec=spec,
        cohort=cohort,
        people=tuple(map(str, people)),
        personas=tuple(personas[person] for person in map(str, people)),
        users=users.astype(np.int64),
        label_ids=np.frombuffer(ids, "V16"),
        is_instant=(frame["precision"] == "instant").to_numpy(),
        as_of=frame["as_of"].to_numpy().astype(np.float64),
        known_at=frame["known_at"].to_numpy().astype(np.float64),
        first_known_at=first.to_numpy().astype(np.float64),
        values=frame["value"].to_numpy().astype(np.float64),
        table=vector.fill_null(float("nan")).to_numpy(),
        data_version="made-up",
    )


def _id_of(label: str) -> UUID:
    try:
        return UUID(label)
    except ValueError:
        return uuid5(NAMESPACE_URL, label)
