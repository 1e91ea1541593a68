"""A small warehouse: the tables that dbt builds, filled with made-up people whose truth is known."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import NAMESPACE_URL, UUID, uuid5

import numpy as np
import psycopg
from psycopg import sql
from psycopg.types.json import Jsonb

from aurora.events.catalogue import MEASURES
from aurora.models.catalogue import ENERGY, MOOD, ModelSpec
from pipelines.training.rows import TrainingRows

START = datetime(2026, 1, 1, 8, tzinfo=UTC)
_KEY: Final = "user_id, as_of, precision, local_date"
_FEATURES: Final = tuple(dict.fromkeys((*ENERGY.columns, *MOOD.columns)))


def person(number: int, cohort: str = "real") -> UUID:
    return uuid5(NAMESPACE_URL, f"{cohort}/{number}")


def build_tables(connection: psycopg.Connection[Any]) -> None:
    """The tables that training and prediction read, empty."""
    connection.execute(
        """
        create table intermediate.int_labels (
            user_id uuid, as_of timestamptz, target text, value float8, label_event_id uuid,
            known_at timestamptz, local_date date, precision text, first_known_at timestamptz
        )
        """
    )
    connection.execute(
        """
        create table intermediate.int_tiles (
            user_id uuid, local_date date, measure text, valid_from timestamptz, valid_until timestamptz, n integer,
            total bigint, squares bigint, lowest bigint, highest bigint, last_value bigint, last_at timestamptz
        )
        """
    )
    columns = sql.SQL(", ").join(sql.SQL("{} float8").format(sql.Identifier(name)) for name in _FEATURES)
    connection.execute(
        sql.SQL(
            "create table features.moment_features (user_id uuid, as_of timestamptz, precision text,"
            " local_date date, {}, primary key (user_id, local_date, as_of, precision))"
        ).format(columns)
    )
    for spec in (ENERGY, MOOD):
        connection.execute(
            sql.SQL("create view features.{} as select {}, {} from features.moment_features").format(
                sql.Identifier(f"moment_{spec.feature_set}_features"),
                sql.SQL(_KEY),
                sql.SQL(", ").join(map(sql.Identifier, spec.columns)),
            )
        )


def add_people(
    connection: psycopg.Connection[Any],
    *,
    cohort: str = "real",
    people: int = 12,
    days: int = 60,
    effect: float = 0.6,
    leak: bool = False,
    first_day: int = 0,
    known_after: timedelta = timedelta(minutes=5),
    seed: int = 1,
) -> None:
    """One energy and one mood rating per person and day, moved by the last night's sleep.

    `leak` puts the rating itself into a feature. `first_day` continues people who are already there.
    """
    rng = np.random.default_rng(seed + first_day)
    levels = np.random.default_rng(seed).uniform(4, 8, people)
    for number in range(people):
        user_id, level = person(number, cohort), levels[number]
        connection.execute(
            """
            insert into app.users (user_id, username, cohort, data_key_ciphertext) values (%s, %s, %s, '')
            on conflict do nothing
            """,
            [user_id, f"{cohort}{number}", cohort],
        )
        for day in range(first_day, first_day + days):
            sleep = float(rng.normal(450, 60))
            energy = float(np.clip(level + effect * (sleep - 450) / 60 + rng.normal(0, 0.7), 0, 10))
            ewma = float(level + rng.normal(0, 0.3))
            base = {
                "energy_ewma_28d": ewma,
                "energy_mean_28d": float(level),
                "avg_sleep_last_7d": energy * 60 if leak else sleep,
                "energy_rolling_std_7d": float(rng.uniform(0.5, 1.5)),
            }
            as_of = START + timedelta(days=day)
            shares = np.exp(-(((np.arange(5) - 2) / 2 - (ewma - 5) / 5) ** 2) * 6)
            moods = dict(zip(MOOD.baseline_columns, map(float, shares / shares.sum()), strict=True))
            moods["mood_ewma_28d"] = (ewma - 5) / 5
            valence = float(np.clip((energy - 5) / 5, -1, 1))
            _add_vector(connection, user_id, as_of, base | moods)
            _add_label(connection, ENERGY, user_id, as_of, energy, known_after)
            _add_label(connection, MOOD, user_id, as_of, valence, known_after)


def add_rows(connection: psycopg.Connection[Any], rows: TrainingRows) -> None:
    """People, labels and vectors of a study, of precision day and in UTC, as dbt would have built them."""
    cursor, spec = connection.cursor(), rows.spec
    cursor.executemany(
        "insert into app.users (user_id, username, cohort, data_key_ciphertext) values (%s, %s, %s, '')",
        [(user_id, f"{rows.cohort}:{user_id}", rows.cohort) for user_id in rows.people],
    )
    moments = [datetime.fromtimestamp(at, UTC) for at in rows.as_of]
    known = [datetime.fromtimestamp(at, UTC) for at in rows.known_at]
    people = [rows.people[user] for user in rows.users]
    labels = rows.labels(np.arange(len(rows)))
    cursor.executemany(
        "insert into intermediate.int_labels values (%s, %s, %s, %s, %s, %s, %s, 'day', %s)",
        [
            (user_id, at, spec.target, value, label, known_at, at.date(), known_at)
            for user_id, at, value, label, known_at in zip(
                people, moments, rows.values.tolist(), labels, known, strict=True
            )
        ],
    )
    cursor.executemany(
        _adding_vector(spec.columns),
        [
            (user_id, at, "day", at.date(), *(None if np.isnan(value) else value for value in vector))
            for user_id, at, vector in zip(people, moments, rows.table.tolist(), strict=True)
        ],
    )


def add_tiles(connection: psycopg.Connection[Any]) -> None:
    """The tiles of the ratings that are there: what batch prediction makes its vectors from."""
    connection.execute(
        """
        insert into intermediate.int_tiles
        select
            user_id, local_date, rated.measure, known_at, 'infinity', 1, units, units * units, units, units, units,
            as_of
        from intermediate.int_labels as labels
        cross join lateral (
            values
            ('energy', labels.value, 'energy'),
            ('mood', labels.value, 'mood'),
            ('mood', (labels.value < -0.6)::integer, 'mood_very_negative'),
            ('mood', (labels.value >= -0.6 and labels.value < -0.2)::integer, 'mood_negative'),
            ('mood', (labels.value between -0.2 and 0.2)::integer, 'mood_neutral'),
            ('mood', (labels.value > 0.2 and labels.value <= 0.6)::integer, 'mood_positive'),
            ('mood', (labels.value > 0.6)::integer, 'mood_very_positive')
        ) as rated (target, value, measure)
        inner join jsonb_each_text(%s) as scales (measure, scale) on rated.measure = scales.measure
        cross join lateral (select round(rated.value * scales.scale::integer)::bigint as units) as told
        where labels.target = rated.target
        """,
        [Jsonb({name: measure.scale for name, measure in MEASURES.items()})],
    )


def _add_vector(
    connection: psycopg.Connection[Any], user_id: UUID, as_of: datetime, vector: Mapping[str, float]
) -> None:
    connection.execute(_adding_vector(vector), [user_id, as_of, "instant", as_of.date(), *vector.values()])


def _adding_vector(names: Collection[str]) -> sql.Composed:
    return sql.SQL("insert into features.moment_features ({}) values ({})").format(
        sql.SQL(", ").join([sql.SQL(_KEY), *map(sql.Identifier, names)]),
        sql.SQL(", ").join([sql.Placeholder()] * (len(names) + 4)),
    )


def _add_label(
    connection: psycopg.Connection[Any],
    spec: ModelSpec,
    user_id: UUID,
    as_of: datetime,
    value: float,
    known_after: timedelta,
) -> None:
    connection.execute(
        "insert into intermediate.int_labels values (%s, %s, %s, %s, %s, %s, %s, 'instant', %s)",
        [
            user_id,
            as_of,
            spec.target,
            value,
            uuid5(user_id, f"{spec.target}{as_of}"),
            as_of + known_after,
            as_of.date(),
            as_of + known_after,
        ],
    )
