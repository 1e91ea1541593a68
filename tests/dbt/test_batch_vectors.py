"""The batch's vectors beside dbt's, on a small population whose warehouse dbt has built."""

from __future__ import annotations

from datetime import UTC, datetime

import psycopg
import pytest
from psycopg import sql

from aurora.models.catalogue import MODELS
from pipelines.prediction.vectors import vectors_of_cohort
from tests.fixtures.simulated_warehouse import COHORT

MOMENTS = 12
SOME_DAYS_IN = datetime(2026, 5, 1, tzinfo=UTC)
"""Of the forty days to the end of May: before, there are people of whom nothing is known yet."""


@pytest.mark.parametrize("model", MODELS)
def test_the_batch_knows_of_an_instant_what_dbt_knows_of_it(simulated_warehouse: str, model: str) -> None:
    spec = MODELS[model]
    with psycopg.connect(simulated_warehouse) as connection:
        asked = connection.execute(
            sql.SQL(
                "select features.user_id, features.as_of, {}"
                " from intermediate.int_labels as labels"
                " inner join features.{} as features using (user_id, as_of, precision, local_date)"
                " where labels.target = %s and precision = 'instant' and features.as_of > %s"
                " order by md5(labels.label_event_id::text) limit %s"
            ).format(
                sql.SQL(", ").join(sql.Identifier("features", name) for name in spec.columns),
                sql.Identifier(f"moment_{spec.feature_set}_features"),
            ),
            [spec.target, SOME_DAYS_IN, MOMENTS],
        ).fetchall()
        found = [
            next(
                one.vector
                for one in vectors_of_cohort(connection, spec, COHORT, as_of)
                if one.user_id == user_id
            )
            for user_id, as_of, *_ in asked
        ]

    assert len(found) == MOMENTS
    for vector, (_, _, *expected) in zip(found, asked, strict=True):
        told = dict(zip(spec.columns, expected, strict=True))
        assert {name for name, value in vector.items() if value is None} == {
            name for name, value in told.items() if value is None
        }
        known = {name: value for name, value in told.items() if value is not None}
        assert {name: vector[name] for name in known} == pytest.approx(known, rel=1e-9, abs=1e-9)
