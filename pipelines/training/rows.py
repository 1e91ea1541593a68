"""Training rows: each label of a cohort beside the feature vector of its moment, read once, in order.

A row is a label. Its vector was built by dbt from what was known at the label's `as_of`, without the
label's own form; its `known_at` says from when on the label itself may be trained on.
"""

from __future__ import annotations

import hashlib
import io
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl
import psycopg
from psycopg import sql

from aurora.features.catalogue import FEATURES, SETS_VERSION
from aurora.models.catalogue import ModelSpec
from aurora.models.design import class_numbers
from aurora.models.metrics import Floats, Ints

_READ = """
    copy (
        select
            labels.user_id,
            labels.label_event_id,
            extract(epoch from labels.as_of)::float8 as as_of,
            extract(epoch from labels.known_at)::float8 as known_at,
            labels.value::float8 as value,
            users.persona,
            labels.precision,
            {features}
        from intermediate.int_labels as labels
        inner join app.users as users on users.user_id = labels.user_id
        inner join features.{table} as features
            on
                features.user_id = labels.user_id
                and features.as_of = labels.as_of
                and features.precision = labels.precision
                and features.local_date = labels.local_date
        where
            labels.target = {target}
            and users.cohort = {cohort}
            and users.deleted_at is null
            and labels.as_of <= {until}
            and labels.known_at <= {until}
        order by labels.user_id, labels.as_of, labels.label_event_id
    ) to stdout (format csv, header)
"""


@dataclass(frozen=True)
class TrainingRows:
    """The rows of one model and cohort, sorted by person and moment. Times are seconds since 1970."""

    spec: ModelSpec
    cohort: str
    frame: pl.DataFrame
    """Everything as read; the arrays below are its columns."""
    people: tuple[str, ...]
    users: Ints
    as_of: Floats
    known_at: Floats
    values: Floats
    table: Floats
    """One column per entry of the vector of the spec, in its order; missing is NaN."""
    data_version: str

    def __len__(self) -> int:
        return len(self.users)

    @property
    def targets(self) -> Floats | Ints:
        """What the booster learns: the value, or the number of its class."""
        return self.values if self.spec.kind == "regression" else class_numbers(self.values)

    @property
    def until(self) -> float:
        """The cohort's own now: just after its last label's moment and the day it became known."""
        return float(max(self.as_of.max(), self.known_at.max())) + 1.0

    @property
    def label_ids(self) -> npt.NDArray[np.str_]:
        return self.frame["label_event_id"].to_numpy().astype(str)

    def window(self) -> str:
        """The days that the rows span, as text."""
        first, last = (datetime.fromtimestamp(at, UTC).date() for at in (self.as_of.min(), self.as_of.max()))
        return f"{first} to {last}"


def feature_set_version(spec: ModelSpec) -> str:
    """Version of the set plus a hash of every formula in it: a changed meaning is a changed version."""
    told = [
        f"{name}:{FEATURES[name].version}:{FEATURES[name].formula!r}" if name in FEATURES else name
        for name in spec.columns
    ]
    return f"{SETS_VERSION}-{hashlib.sha256('|'.join(told).encode()).hexdigest()[:12]}"


def read_training_rows(
    connection: psycopg.Connection[Any], spec: ModelSpec, cohort: str, *, until: datetime | None = None
) -> TrainingRows:
    """All labelled rows of a cohort that were known at `until` (without it: all that there are)."""
    statement = sql.SQL(_READ).format(
        features=sql.SQL(", ").join(
            sql.SQL("features.{name}::float8 as {name}").format(name=sql.Identifier(name))
            for name in spec.columns
        ),
        table=sql.Identifier(f"moment_{spec.feature_set}_features"),
        target=sql.Literal(spec.target),
        cohort=sql.Literal(cohort),
        until=sql.Literal(until or datetime.max.replace(tzinfo=UTC)),
    )
    body = io.BytesIO()
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        for chunk in copy:
            body.write(chunk)
    return rows_from_csv(body.getvalue(), spec, cohort)


def rows_from_csv(body: bytes, spec: ModelSpec, cohort: str) -> TrainingRows:
    """The rows in a CSV with the columns that `read_training_rows` selects."""
    text = ("user_id", "label_event_id", "persona", "precision")
    schema = dict.fromkeys(text, pl.String) | dict.fromkeys(("as_of", "known_at", "value"), pl.Float64)
    frame = pl.read_csv(body, schema_overrides=schema | dict.fromkeys(spec.columns, pl.Float64))
    people, users = np.unique(frame["user_id"].to_numpy().astype(str), return_inverse=True)
    fingerprint = hashlib.sha256(body + feature_set_version(spec).encode())
    return TrainingRows(
        spec=spec,
        cohort=cohort,
        frame=frame,
        people=tuple(map(str, people)),
        users=users.astype(np.int64),
        as_of=frame["as_of"].to_numpy().astype(np.float64),
        known_at=frame["known_at"].to_numpy().astype(np.float64),
        values=frame["value"].to_numpy().astype(np.float64),
        table=frame.select(spec.columns).fill_null(float("nan")).to_numpy().astype(np.float64),
        data_version=fingerprint.hexdigest()[:16],
    )
