"""Training on many rows: read from Postgres and fitted, beside the bare library on arrays that are in memory.

The rows are those of simulated people, copied under new ids until there are enough: the same work for Postgres
and for the boosters as that many people's, made in seconds. What both sides take over is chosen once on the rows
before they are copied: the number of rounds, and whether there are lines and offsets.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, LiteralString

import lightgbm
import numpy as np
import psycopg
import xgboost
from psycopg import sql

from aurora.models.catalogue import ModelSpec
from aurora.models.regression_booster import xgboost_params
from benchmarks.trained_people import COHORT
from pipelines.training.choosing import usable
from pipelines.training.engines import IN_PROCESS, Data
from pipelines.training.fitting import Fitted, fit
from pipelines.training.rows import TrainingRows, read_training_rows

_COPIES: Final[LiteralString] = """
    create temporary table copies on commit drop as
    select users.user_id as original, gen_random_uuid() as user_id
    from app.users as users
    cross join generate_series(1, %(copies)s)
    where users.cohort = %(cohort)s
"""
_COPIED_PEOPLE: Final[LiteralString] = """
    insert into app.users (user_id, username, tz, cohort, persona, data_key_ciphertext)
    select copies.user_id, copies.user_id::text, users.tz, users.cohort, users.persona, ''
    from copies
    inner join app.users as users on users.user_id = copies.original
"""
_TABLES: Final[LiteralString] = """
    select table_schema, table_name, array_agg(column_name::text order by ordinal_position)
    from information_schema.columns
    inner join information_schema.tables using (table_schema, table_name)
    where
        table_type = 'BASE TABLE'
        and (table_schema, table_name) in (('features', 'moment_features'), ('intermediate', 'int_labels'))
    group by table_schema, table_name
"""


def multiply(url: str, spec: ModelSpec, wanted: int) -> None:
    """Copy people until there are at least so many training rows of this model."""
    with psycopg.connect(url) as connection:
        there = len(read_training_rows(connection, spec, COHORT))
        copies = math.ceil(wanted / there) - 1
        if copies <= 0:
            return
        connection.execute(_COPIES, {"copies": copies, "cohort": COHORT})
        connection.execute(_COPIED_PEOPLE)
        for schema, table, columns in connection.execute(_TABLES).fetchall():
            connection.execute(_copy_of_people(schema, table, columns))
        connection.commit()
        connection.execute("analyze")
        connection.commit()


def _copy_of_people(schema: str, table: str, columns: list[str]) -> sql.Composed:
    new = {"user_id": sql.SQL("copies.user_id"), "label_event_id": sql.SQL("gen_random_uuid()")}
    return sql.SQL(
        "insert into {table} ({columns}) select {values} from {table} as rows"
        " inner join copies on copies.original = rows.user_id"
    ).format(
        table=sql.Identifier(schema, table),
        columns=sql.SQL(", ").join(map(sql.Identifier, columns)),
        values=sql.SQL(", ").join(new.get(name, sql.Identifier("rows", name)) for name in columns),
    )


@dataclass(frozen=True)
class Timed:
    """Seconds of one round."""

    rows: int
    reading: float
    fitting: float
    bare: float
    bare_with_our_loss: float | None
    """None where the library computes our loss itself."""

    @property
    def ours(self) -> float:
        return self.reading + self.fitting


@dataclass(frozen=True)
class Training:
    """One model on its many rows."""

    url: str
    spec: ModelSpec
    like: Fitted
    data: Data

    @classmethod
    def prepared(cls, url: str, spec: ModelSpec, like: Fitted) -> Training:
        """With the arrays that the bare library is given: what our own fit hands to it."""
        rows = _read(url, spec)
        return cls(url, spec, like, usable(rows, np.arange(len(rows)), like.metadata))

    @property
    def rounds(self) -> int:
        return self.like.choices.rounds

    def measure(self) -> Timed:
        """Our way, then the bare library."""
        began = time.perf_counter()
        rows = _read(self.url, self.spec)
        reading = time.perf_counter() - began
        fitting = _seconds(lambda: fit(rows, np.arange(len(rows)), like=self.like))
        bare = _seconds(self._bare)
        with_our_loss = (
            _seconds(lambda: IN_PROCESS.fit(self.spec, self.data, rounds=self.rounds))
            if self.spec.kind == "classes"
            else None
        )
        return Timed(len(rows), reading, fitting, bare, with_our_loss)

    def _bare(self) -> None:
        if self.spec.kind == "regression":
            matrix = xgboost.DMatrix(
                self.data.design, self.data.target, base_margin=self.data.start, nthread=1
            )
            xgboost.train(xgboost_params(self.spec, 1), matrix, self.rounds)
            return
        # Squared loss, which LightGBM computes itself: that ours is computed outside is part of what our way costs.
        params: dict[str, Any] = {
            **self.spec.params,
            "objective": "regression",
            "seed": self.spec.seed,
            "deterministic": True,
            "force_row_wise": True,
            "num_threads": 1,
            "verbose": -1,
        }
        lightgbm.train(params, lightgbm.Dataset(self.data.design, self.data.target), self.rounds)


def chosen(url: str, spec: ModelSpec) -> Fitted:
    """What the rows of the people who are there decide, before they are copied."""
    rows = _read(url, spec)
    fitted = fit(rows, np.arange(len(rows)))
    if fitted is None:
        raise RuntimeError(f"no row of {spec.name} has a baseline: simulate more days (--days)")
    return fitted


def _seconds(act: Callable[[], object]) -> float:
    began = time.perf_counter()
    act()
    return time.perf_counter() - began


def _read(url: str, spec: ModelSpec) -> TrainingRows:
    with psycopg.connect(url) as connection:
        return read_training_rows(connection, spec, COHORT)
