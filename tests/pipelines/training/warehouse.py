"""A small warehouse: the tables that dbt builds, filled with made-up people whose truth is known."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5

import numpy as np
import psycopg
from psycopg import sql

from aurora.models.catalogue import ENERGY, MOOD, ModelSpec

START = datetime(2026, 1, 1, 8, tzinfo=UTC)


def person(number: int, cohort: str = "real") -> UUID:
    return uuid5(NAMESPACE_URL, f"{cohort}/{number}")


def build_tables(connection: psycopg.Connection[Any]) -> None:
    """The tables that training and prediction read, empty."""
    connection.execute(
        """
        create table intermediate.int_labels (
            user_id uuid, as_of timestamptz, target text, value float8, label_event_id uuid,
            known_at timestamptz, local_date date, precision text
        )
        """
    )
    for spec in (ENERGY, MOOD):
        columns = sql.SQL(", ").join(sql.SQL("{} float8").format(sql.Identifier(n)) for n in spec.columns)
        connection.execute(
            sql.SQL(
                "create table features.{} "
                "(user_id uuid, as_of timestamptz, precision text, local_date date, {})"
            ).format(sql.Identifier(f"moment_{spec.feature_set}_features"), columns)
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
            _add(connection, ENERGY, user_id, as_of, energy, base, known_after)
            shares = np.exp(-(((np.arange(5) - 2) / 2 - (ewma - 5) / 5) ** 2) * 6)
            moods = dict(zip(MOOD.baseline_columns, map(float, shares / shares.sum()), strict=True))
            moods["mood_ewma_28d"] = (ewma - 5) / 5
            valence = float(np.clip((energy - 5) / 5, -1, 1))
            _add(connection, MOOD, user_id, as_of, valence, base | moods, known_after)


def _add(
    connection: psycopg.Connection[Any],
    spec: ModelSpec,
    user_id: UUID,
    as_of: datetime,
    value: float,
    vector: Mapping[str, float],
    known_after: timedelta,
) -> None:
    names = [name for name in spec.columns if name in vector]
    table = sql.Identifier(f"moment_{spec.feature_set}_features")
    connection.execute(
        sql.SQL("insert into features.{} (user_id, as_of, precision, local_date, {}) values ({})").format(
            table,
            sql.SQL(", ").join(map(sql.Identifier, names)),
            sql.SQL(", ").join([sql.Placeholder()] * (len(names) + 4)),
        ),
        [user_id, as_of, "instant", as_of.date(), *(vector[name] for name in names)],
    )
    connection.execute(
        "insert into intermediate.int_labels values (%s, %s, %s, %s, %s, %s, %s, 'instant')",
        [
            user_id,
            as_of,
            spec.target,
            value,
            uuid5(user_id, f"{spec.target}{as_of}"),
            as_of + known_after,
            as_of.date(),
        ],
    )
