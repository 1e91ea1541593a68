"""Training rows: each label of a cohort beside the feature vector of its moment, read once, in order.

A row is a label. Its vector was built by dbt from what was known at the label's `as_of`, without the
label's own form; its `known_at` says from when on the label itself may be trained on, and `first_known_at` from when
on somebody may have been: a correction is known anew, and no news.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, LiteralString
from uuid import UUID

import numpy as np
import numpy.typing as npt
import polars as pl
import psycopg
from psycopg import sql

from aurora.models.catalogue import ModelSpec
from aurora.models.design import class_numbers
from aurora.models.metrics import Bools, Floats, Ints
from pipelines.training.copied_rows import blocks_of, fixed_layout, numbers_of

# A missing value comes as NaN and an instant as a number: then every row has the same length, and a block of them is an
# array as it is. They come as they are found: to sort a million wide rows Postgres would write them to disk first.
_READ = """
    copy (
        select
            labels.user_id,
            labels.label_event_id,
            date_part('epoch', labels.as_of),
            date_part('epoch', labels.known_at),
            date_part('epoch', labels.first_known_at),
            labels.value::float8,
            labels.precision = 'instant',
            {features}
        from intermediate.int_labels as labels
        inner join app.users as users on users.user_id = labels.user_id
        inner join features.{vectors} as vectors
            on
                labels.user_id = vectors.user_id
                and labels.local_date = vectors.local_date
                and labels.as_of = vectors.as_of
                and labels.precision = vectors.precision
        where
            labels.target = {target}
            and users.cohort = {cohort}
            and users.deleted_at is null
            and labels.as_of <= {until}
            and labels.known_at <= {until}
    ) to stdout (format binary)
"""
# Of a join by four columns Postgres expects a single row, and would look up each label by itself, or sort both sides on
# disk to merge them: of a million labels that takes three times as long as to hash them.
IN_BULK: Final[LiteralString] = """
    set local enable_nestloop = off; set local enable_mergejoin = off; set local enable_indexscan = off;
    set local join_collapse_limit = 1; set local work_mem = '128MB'
"""
_PERSONAS: Final[LiteralString] = """
    select user_id, persona from app.users where cohort = %s and persona is not null
"""
_HEAD: Final = {
    "user_id": "V16",
    "label_ids": "V16",
    "as_of": ">f8",
    "known_at": ">f8",
    "first_known_at": ">f8",
    "values": ">f8",
    "is_instant": "?",
}
"""The columns before the features, as Postgres sends them."""
_TABLE: Final = "table"


@dataclass(frozen=True)
class TrainingRows:
    """The rows of one model and cohort, sorted by person and moment. Times are seconds since 1970."""

    spec: ModelSpec
    cohort: str
    people: tuple[str, ...]
    personas: tuple[str | None, ...]
    """Of each of the people, who they were simulated as."""
    users: Ints
    """Of each row, the place of its person in `people`."""
    label_ids: npt.NDArray[np.void]
    """The 16 bytes of the event id of each label."""
    is_instant: Bools
    """Whether it is known when on its day a label was given."""
    as_of: Floats
    known_at: Floats
    """When the version of the rating that counts now became known."""
    first_known_at: Floats
    """When its first version did."""
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

    def labels(self, chosen: Ints) -> list[str]:
        """The event ids of the labels of these rows, as text."""
        return [str(UUID(bytes=each.tobytes())) for each in self.label_ids[chosen]]

    def frame(self, columns: Sequence[str]) -> pl.DataFrame:
        """Some columns of the vector by name, missing as null."""
        places = {name: self.spec.columns.index(name) for name in columns}
        return pl.DataFrame(
            {name: pl.Series(self.table[:, place], nan_to_null=True) for name, place in places.items()}
        )

    def window(self) -> str:
        """The days that the rows span, as text."""
        first, last = (datetime.fromtimestamp(at, UTC).date() for at in (self.as_of.min(), self.as_of.max()))
        return f"{first} to {last}"


def read_training_rows(
    connection: psycopg.Connection[Any], spec: ModelSpec, cohort: str, *, until: datetime | None = None
) -> TrainingRows:
    """All labelled rows of a cohort that were known at `until` (without it: all that there are)."""
    layout = fixed_layout(_HEAD, numbers=len(spec.columns))
    parts = [_converted(np.empty(0, layout))]
    with connection.transaction(), connection.cursor() as cursor:
        cursor.execute(IN_BULK)
        with cursor.copy(reading(spec, cohort, until=until)) as copy:
            parts += map(_converted, blocks_of(copy, layout))
        personas = dict(cursor.execute(_PERSONAS, (cohort,)).fetchall())
    joined = {name: np.concatenate([part[name] for part in parts]) for name in _HEAD}
    order = _order(joined["user_id"], joined["as_of"], joined["label_ids"])
    read = {name: column.take(order) for name, column in joined.items()}
    table = _sorted([part[_TABLE] for part in parts], order)
    fingerprint = hashlib.sha256(spec.feature_set_version.encode())
    for column in (*read.values(), table):
        fingerprint.update(column.data)
    ids, users = _numbered(read.pop("user_id"))
    return TrainingRows(
        spec=spec,
        cohort=cohort,
        people=tuple(map(str, ids)),
        personas=tuple(personas.get(user_id) for user_id in ids),
        users=users,
        table=table,
        data_version=fingerprint.hexdigest()[:16],
        **read,
    )


def reading(spec: ModelSpec, cohort: str, *, until: datetime | None = None) -> sql.Composed:
    """The statement that copies the rows out, to be run after IN_BULK."""
    return sql.SQL(_READ).format(
        features=sql.SQL(", ").join(
            sql.SQL("coalesce({column}, 'NaN'::float8)").format(column=sql.Identifier("vectors", name))
            for name in spec.columns
        ),
        vectors=sql.Identifier(f"moment_{spec.feature_set}_features"),
        target=sql.Literal(spec.target),
        cohort=sql.Literal(cohort),
        until=sql.Literal(until or datetime.max.replace(tzinfo=UTC)),
    )


def _converted(block: npt.NDArray[Any]) -> dict[str, npt.NDArray[Any]]:
    """The columns before the features, and the features as one table, in this machine's numbers."""
    columns = {name: block[name].astype(np.dtype(kind).newbyteorder("=")) for name, kind in _HEAD.items()}
    return columns | {_TABLE: numbers_of(block).astype(np.float64)}


def _order(
    users: npt.NDArray[np.void], as_of: Floats, label_ids: npt.NDArray[np.void]
) -> npt.NDArray[np.intp]:
    """By person, moment and label: ids as Postgres orders them, byte by byte."""
    keys = [*_halves(users), as_of, *_halves(label_ids)]
    # Of a million rows in a third of the time that NumPy takes to sort by so many keys.
    places = pl.DataFrame({str(number): key for number, key in enumerate(keys)}).with_row_index("place")
    return places.sort(places.columns[1:])["place"].to_numpy().astype(np.intp)


def _sorted(parts: Sequence[Floats], order: npt.NDArray[np.intp]) -> Floats:
    """The rows of all parts in this order, each put where it belongs: joined first, they would be copied twice."""
    places = np.empty_like(order)
    places[order] = np.arange(len(order))
    table, begin = np.empty((len(order), parts[0].shape[1])), 0
    for part in parts:
        table[places[begin : begin + len(part)]] = part
        begin += len(part)
    return table


def _halves(ids: npt.NDArray[np.void]) -> tuple[npt.NDArray[np.uint64], npt.NDArray[np.uint64]]:
    """16 bytes as two numbers."""
    numbers = ids.view(">u8").reshape(-1, 2).astype(np.uint64)
    return numbers[:, 0], numbers[:, 1]


def _numbered(ids: npt.NDArray[np.void]) -> tuple[list[UUID], Ints]:
    """The people of sorted rows, and each row's place among them."""
    begins = np.ones(len(ids), dtype=np.bool_)
    begins[1:] = ids[1:] != ids[:-1]
    return [UUID(bytes=each.tobytes()) for each in ids[begins]], np.cumsum(begins) - 1
