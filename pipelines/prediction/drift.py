"""Drift of what is served: the vectors and answers of the last week beside what the champion was trained on.

The champion's reference travels in its artifact. A day is measured as often as the job runs, and has one row a
column all the same.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final, LiteralString

import numpy as np
import psycopg
from psycopg import sql
from psycopg.rows import dict_row, tuple_row
from pydantic import TypeAdapter

from aurora.events.measures import DAYPARTS
from aurora.models.catalogue import registered_name
from aurora.models.drift import (
    METHOD_VERSION,
    ColumnDrift,
    Served,
    hardly_knows_the_hour,
    measure_drift,
)
from aurora.models.reference import HOUR, PREDICTION, Reference
from aurora.predictions.storage import CHAMPION

WINDOW_DAYS: Final = 7
"""Whole weeks: people live other days at weekends."""
FEWEST_DAYS: Final = 5
"""Served on fewer of them, features are measured and not judged: one day's weather is everybody's, and so is Monday."""

_REFERENCE: Final = TypeAdapter(Reference)

_READ_CHAMPION: LiteralString = """
    select aliases.model_version, artifacts.metadata -> 'reference'
    from predictions.model_aliases as aliases
    inner join predictions.model_artifacts as artifacts using (model_name, model_version)
    where aliases.model_name = %(model_name)s and aliases.alias = %(alias)s
"""

# Of a person's answers within one part of a day the last counts: who listens all day would drown the others.
_READ_SERVED = """
    select distinct on (user_id, local_date, part)
        predictions.user_id::text,
        predictions.model_version,
        floor(date_part('epoch', predictions.as_of) / 86400)::integer,
        predictions.value,
        (predictions.features ->> {hour})::float8,
        {columns}
    from predictions.predictions as predictions
    inner join app.users as users using (user_id)
    cross join lateral (
        select width_bucket((predictions.features ->> {hour})::float8, {ends}::float8[]) as part
    ) as parts
    where
        users.cohort = {cohort}
        and users.deleted_at is null
        and predictions.model_name = {model}
        and predictions.as_of >= {since}
        and predictions.as_of <= {until}
    order by user_id, local_date, part, predictions.as_of desc, predictions.origin, predictions.created_at desc
"""

# The same measurement again changes nothing.
_WRITE: LiteralString = """
    insert into predictions.drift (
        cohort, model_name, model_version, measured_date, column_name, state, rows, people, left_out_rows,
        effective_rows, missing_share, reference_missing_share, psi, psi_by_chance, ks, p_value, q_value,
        window_days, method_version
    ) values (
        %(cohort)s, %(model_name)s, %(model_version)s, %(measured_date)s, %(column)s, %(state)s, %(rows)s,
        %(people)s, %(left_out_rows)s, %(effective_rows)s, %(missing_share)s, %(reference_missing_share)s, %(psi)s,
        %(psi_by_chance)s, %(ks)s, %(p_value)s, %(q_value)s, %(window_days)s, %(method_version)s
    )
    on conflict (cohort, model_name, model_version, measured_date, column_name) do update set
        state = excluded.state, rows = excluded.rows, people = excluded.people,
        left_out_rows = excluded.left_out_rows, effective_rows = excluded.effective_rows,
        missing_share = excluded.missing_share, reference_missing_share = excluded.reference_missing_share,
        psi = excluded.psi, psi_by_chance = excluded.psi_by_chance, ks = excluded.ks, p_value = excluded.p_value,
        q_value = excluded.q_value, window_days = excluded.window_days, method_version = excluded.method_version,
        measured_at = now()
    where (drift.state, drift.rows, drift.people, drift.psi, drift.q_value, drift.method_version)
        is distinct from
        (excluded.state, excluded.rows, excluded.people, excluded.psi, excluded.q_value, excluded.method_version)
"""

_NEWEST: LiteralString = """
    with newest as (
        select distinct on (cohort, model_name) cohort, model_name, model_version, measured_date
        from predictions.drift
        where measured_date = (select max(measured_date) from predictions.drift)
        order by cohort, model_name, measured_at desc, model_version desc
    )
    select cohort, model_name, model_version, measured_date, column_name, state, psi, q_value
    from predictions.drift
    inner join newest using (cohort, model_name, model_version, measured_date)
    order by cohort, model_name, psi desc nulls last, column_name
"""


@dataclass(frozen=True)
class DriftReport:
    """What was measured of one model of one cohort, or why nothing was."""

    model: str
    cohort: str
    measured_date: date
    version: str | None = None
    columns: tuple[ColumnDrift, ...] = ()
    written: int = 0
    problem: str | None = None

    @property
    def registered_name(self) -> str:
        return registered_name(self.model, self.cohort)

    @property
    def measured(self) -> list[ColumnDrift]:
        """The columns of which there are figures, those that lie farthest first."""
        measured = [column for column in self.columns if column.psi is not None]
        return sorted(measured, key=lambda column: -(column.psi or 0.0))

    @property
    def not_judged(self) -> list[ColumnDrift]:
        return [column for column in self.columns if column.state == "not_enough"]

    @property
    def moved(self) -> list[ColumnDrift]:
        return [column for column in self.measured if column.state == "moved"]


def measure_model(
    connection: psycopg.Connection[Any], model: str, cohort: str, *, until: datetime
) -> DriftReport:
    """Measure and store the drift of a cohort's champion over the week up to `until`.

    Nothing is measured without a champion, of one that was trained before there were references, or when nobody was
    served; the report then says so.
    """
    day = datetime.fromtimestamp(until.timestamp(), UTC).date()
    found = (
        connection.cursor(row_factory=tuple_row)
        .execute(_READ_CHAMPION, {"model_name": registered_name(model, cohort), "alias": CHAMPION})
        .fetchone()
    )
    if found is None:
        return DriftReport(model, cohort, day, problem="no model is published: a baseline answers")
    version, body = found
    if body is None:
        return DriftReport(
            model, cohort, day, version,
            problem="it was trained before references were kept: the next training brings one",
        )  # fmt: skip
    reference = _REFERENCE.validate_python(body)
    served, days = _read_served(connection, model, cohort, version, list(reference.columns), day, until)
    if not served:
        return DriftReport(
            model, cohort, day, version, problem=f"nobody was served in the last {WINDOW_DAYS} days"
        )
    columns = measure_drift(
        reference,
        served,
        at_any_hour=[name for name in served if hardly_knows_the_hour(name)],
        # A version's own answers are judged from its first day on: the next night may have another.
        too_early=[name for name in served if name != PREDICTION] if days < FEWEST_DAYS else (),
    )
    key = {
        "cohort": cohort,
        "model_name": model,
        "model_version": version,
        "measured_date": day,
        "window_days": WINDOW_DAYS,
        "method_version": METHOD_VERSION,
    }
    with connection.transaction(), connection.cursor() as cursor:
        cursor.executemany(_WRITE, [{**vars(column), **key} for column in columns])
        written = max(cursor.rowcount, 0)
    return DriftReport(model, cohort, day, version, tuple(columns), written)


def read_newest(connection: psycopg.Connection[Any]) -> list[dict[str, Any]]:
    """The columns of each model on the newest day that was measured, those that lie farthest first."""
    return connection.cursor(row_factory=dict_row).execute(_NEWEST).fetchall()


def _read_served(
    connection: psycopg.Connection[Any],
    model: str,
    cohort: str,
    version: str,
    columns: Sequence[str],
    day: date,
    until: datetime,
) -> tuple[Mapping[str, Served], int]:
    """What was served, by column, and on how many days; nothing and 0 when nothing was.

    Vectors count whichever version was asked, answers only those of this version: another one's say nothing of it.
    """
    features = [name for name in columns if name != PREDICTION]
    since = datetime.combine(day - timedelta(days=WINDOW_DAYS - 1), time(), UTC)
    statement = sql.SQL(_READ_SERVED).format(
        hour=sql.Literal(HOUR),
        ends=sql.Literal([float(end) for _, end in DAYPARTS.values()]),
        columns=sql.SQL(", ").join(
            sql.SQL("(predictions.features ->> {})::float8").format(sql.Literal(name)) for name in features
        ),
        cohort=sql.Literal(cohort),
        model=sql.Literal(model),
        since=sql.Literal(since),
        until=sql.Literal(until),
    )
    rows = connection.cursor(row_factory=tuple_row).execute(statement).fetchall()
    if not rows:
        return {}, 0
    _, users = np.unique([row[0] for row in rows], return_inverse=True)
    own = np.array([row[1] == version for row in rows])
    table = np.array([row[3:] for row in rows], dtype=np.float64)
    values, hours, vectors = table[:, 0], table[:, 1], table[:, 2:]
    served = {name: Served(vectors[:, place], users, hours) for place, name in enumerate(features)}
    served[PREDICTION] = Served(values[own], users[own], hours[own])
    return served, len({row[2] for row in rows})
