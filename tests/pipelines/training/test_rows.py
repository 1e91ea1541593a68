from __future__ import annotations

import math
from datetime import timedelta
from typing import Any, LiteralString, cast

import numpy as np
import polars as pl
import psycopg
import pytest
from psycopg import sql

from aurora.models.catalogue import ENERGY, MOOD, ModelSpec
from pipelines.training import copied_rows
from pipelines.training.copied_rows import CopiedRowsUnevenError, blocks_of, fixed_layout
from pipelines.training.rows import IN_BULK, read_training_rows, reading
from tests.pipelines.training.framed_rows import rows_from_frame
from tests.pipelines.training.warehouse import START, add_people, person

Connection = psycopg.Connection[Any]


def test_rows_are_read_as_they_are_stored(connection: Connection) -> None:
    connection.execute(
        "insert into app.users (user_id, username, cohort, persona, data_key_ciphertext)"
        " values (%s, 'owl', 'real', 'owl', '')",
        (person(1),),
    )
    add_people(connection, people=3, days=4, known_after=timedelta(minutes=5))
    connection.execute(
        "update intermediate.int_labels set known_at = known_at + interval '2 days' where user_id = %s",
        (person(1),),
    )

    rows = read_training_rows(connection, ENERGY, "real")

    stored = connection.execute(
        "select labels.user_id::text, label_event_id::text, labels.as_of, labels.known_at, first_known_at, value,"
        " avg_sleep_last_7d, energy_ewma_28d from intermediate.int_labels as labels"
        " join features.moment_energy_features as features using (user_id, as_of)"
        " where target = 'energy' order by labels.user_id, labels.as_of"
    ).fetchall()
    sleep, usual = (ENERGY.columns.index(name) for name in ("avg_sleep_last_7d", "energy_ewma_28d"))
    read = zip(
        (rows.people[user] for user in rows.users),
        rows.labels(np.arange(len(rows))),
        rows.as_of,
        rows.known_at,
        rows.first_known_at,
        rows.values,
        rows.table[:, sleep],
        rows.table[:, usual],
        strict=True,
    )
    assert [tuple(row) for row in read] == [
        (user, label, as_of.timestamp(), known_at.timestamp(), first.timestamp(), *numbers)
        for user, label, as_of, known_at, first, *numbers in stored
    ]
    assert dict(zip(rows.people, rows.personas, strict=True))[str(person(1))] == "owl"
    assert sorted(map(str, rows.personas)) == ["None", "None", "owl"]
    assert rows.is_instant.all()


def test_missing_features_stay_missing(connection: Connection) -> None:
    add_people(connection, people=1, days=1)

    rows = read_training_rows(connection, ENERGY, "real")

    known = {"energy_ewma_28d", "energy_mean_28d", "avg_sleep_last_7d", "energy_rolling_std_7d"}
    missing = [name for name, value in zip(ENERGY.columns, rows.table[0], strict=True) if np.isnan(value)]
    assert set(missing) == set(ENERGY.columns) - known
    assert rows.frame(["avg_sleep_last_7d", "hour_of_day"]).null_count().row(0) == (0, 1)


def test_a_cohort_without_labels_has_no_rows(connection: Connection) -> None:
    rows = read_training_rows(connection, ENERGY, "real")

    assert (len(rows), rows.people, rows.table.shape) == (0, (), (0, len(ENERGY.columns)))


def test_what_was_not_yet_known_is_not_read(connection: Connection) -> None:
    add_people(connection, people=2, days=10, known_after=timedelta(days=3))

    rows = read_training_rows(connection, ENERGY, "real", until=START + timedelta(days=5))

    assert len(rows) == 2 * 3


@pytest.mark.parametrize("block_bytes", [1, 1_000, copied_rows.BLOCK_BYTES])
def test_rows_are_the_same_in_however_many_blocks_they_come(
    connection: Connection, block_bytes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_people(connection, people=4, days=5)
    whole = read_training_rows(connection, MOOD, "real")

    monkeypatch.setattr(copied_rows, "BLOCK_BYTES", block_bytes)
    rows = read_training_rows(connection, MOOD, "real")

    assert rows.data_version == whole.data_version
    assert rows.users.tolist() == whole.users.tolist()
    np.testing.assert_array_equal(rows.table, whole.table)


def test_the_data_version_follows_the_rows(connection: Connection) -> None:
    add_people(connection, people=2, days=3)
    first = read_training_rows(connection, ENERGY, "real").data_version
    same = read_training_rows(connection, ENERGY, "real").data_version

    connection.execute(
        "update intermediate.int_labels set value = value + 0.1 where user_id = %s", (person(0),)
    )
    other = read_training_rows(connection, ENERGY, "real").data_version

    assert first == same != other


def test_a_null_among_copied_values_is_refused(connection: Connection) -> None:
    layout = fixed_layout({"number": ">f8", "flag": "?"}, numbers=2)
    for values in (
        "(1.5::float8, true, 2.5::float8, 3.5::float8), (null, false, 2.5, 3.5)",
        "(1.5::float8, true, 2.5::float8, null::float8)",
        "(1.5::float8, 'words'::text, 2.5::float8, 3.5::float8)",
        "(1.5::float8, true, 2.5::float8, 3.5::float4)",
        "(1.5::float8, true, 2.5::float8)",
    ):
        statement = cast("LiteralString", f"copy (values {values}) to stdout (format binary)")
        with connection.cursor().copy(statement) as copy, pytest.raises(CopiedRowsUnevenError):
            list(blocks_of(copy, layout))


def test_the_cohorts_own_now_lies_just_after_its_last_label() -> None:
    line = {"value": 6.5, "persona": None, "precision": "day", **dict.fromkeys(ENERGY.columns)}
    frame = pl.DataFrame(
        [
            {"user_id": "a", "label_event_id": "l1", "as_of": 100, "known_at": 900, **line},
            {"user_id": "b", "label_event_id": "l2", "as_of": 300, "known_at": 310, **line},
        ]
    )

    assert rows_from_frame(frame, ENERGY).until == 901


@pytest.mark.parametrize(("valence", "number"), [(-0.9, 0), (0.0, 2), (0.9, 4)])
def test_a_mood_label_is_trained_as_its_class(valence: float, number: int) -> None:
    line = {"persona": None, "precision": "day", **dict.fromkeys(MOOD.columns)}
    told = {"user_id": "a", "label_event_id": "l1", "as_of": 100, "known_at": 200, "value": valence, **line}

    rows = rows_from_frame(pl.DataFrame([told]), MOOD)

    assert rows.targets.tolist() == [number]
    assert math.isclose(rows.values[0], valence)


@pytest.mark.parametrize("spec", [ENERGY, MOOD], ids=lambda spec: spec.name)
def test_no_label_is_compared_with_all_moments_of_its_person(connection: Connection, spec: ModelSpec) -> None:
    add_people(connection, people=20, days=1)
    _add_moments(connection, spec, days=400)
    connection.execute("analyze")
    query = reading(spec, "real").as_string(connection).split("copy (", 1)[1].rsplit(") to stdout", 1)[0]

    with connection.transaction():
        connection.execute("set local max_parallel_workers_per_gather = 0")
        connection.execute(IN_BULK)
        plan = connection.execute(cast("LiteralString", f"explain {query}")).fetchall()

    joins = [line.strip() for (line,) in plan if "Join" in line or "Nested Loop" in line]
    assert joins
    assert [line for line in joins if "Hash Join" not in line] == []


def _add_moments(connection: Connection, spec: ModelSpec, *, days: int) -> None:
    """Of everybody three a day of which nothing is known, and a label at each third."""
    moments = """
        select user_id, timestamptz '2020-01-01' + number * interval '8 hours' as as_of
        from app.users cross join generate_series(0, %s) as number
    """
    connection.execute(
        sql.SQL(
            "insert into features.moment_features (user_id, as_of, precision, local_date)"
            " select user_id, as_of, 'instant', as_of::date from ({moments}) as moments"
        ).format(moments=sql.SQL(moments)),
        [3 * days],
    )
    connection.execute(
        sql.SQL(
            "insert into intermediate.int_labels (user_id, as_of, target, value, label_event_id, known_at,"
            " local_date, precision, first_known_at)"
            " select user_id, as_of, {target}, 0, gen_random_uuid(), as_of, as_of::date, 'instant', as_of"
            " from ({moments}) as moments where extract(hour from as_of at time zone 'UTC') = 8"
        ).format(target=sql.Literal(spec.target), moments=sql.SQL(moments)),
        [3 * days],
    )
