"""What features are measured beside, without a database: DuckDB's and Polars' answers to the same measurements."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import numpy as np
import polars as pl
import pyarrow as pa
import pytest

from aurora.events.catalogue import MEASURES
from aurora.features.catalogue import FEATURES
from benchmarks.compared_features import NAMES
from benchmarks.features import OTHERS
from benchmarks.features_in_duckdb import features_in_duckdb
from benchmarks.features_in_polars import features_in_polars

PEOPLE = ("ann", "ben")
BEGAN = date(2026, 9, 1)
DAYS = 40


def test_polars_says_what_duckdb_says_when_days_lack_and_much_comes_late() -> None:
    measurements = _measurements(list(MEASURES))

    one = features_in_duckdb(measurements, _moments(), NAMES).sort_by("moment")
    other = features_in_polars(measurements, _moments(), NAMES).sort_by("moment")

    for name in NAMES:
        values = _floats(one, name)
        assert np.isfinite(values).sum() > DAYS, name
        np.testing.assert_allclose(_floats(other, name), values, rtol=1e-9, atol=1e-9, err_msg=name)


@pytest.mark.parametrize("engine", OTHERS)
def test_what_nobody_measured_is_missing(engine: str) -> None:
    features = OTHERS[engine](_measurements(["mood"]), _moments(), NAMES)

    of_mood = [name for name in NAMES if {"mood"} == {window.measure for window in FEATURES[name].windows}]
    assert np.isfinite(_floats(features, of_mood[0])).any()
    assert features["alcohol_sum_2d"].null_count == features.num_rows
    assert set(_floats(features, "social_events_count_last_3d")) == {0.0}


def _floats(table: pa.Table, name: str) -> np.ndarray:
    return table[name].to_numpy().astype(float)


def _measurements(measures: list[str]) -> pa.Table:
    """On half of the days up to three of each measure, of which every fifth becomes known days later."""
    random = np.random.default_rng(7)
    rows = []
    for person in PEOPLE:
        for measure in measures:
            for day in range(DAYS):
                for minute in random.choice(1440, size=random.integers(1, 4), replace=False):
                    if random.random() < 0.5:
                        continue
                    at = _midnight(day) + timedelta(minutes=int(minute))
                    late = (
                        timedelta(days=int(random.integers(1, 6))) if random.random() < 0.2 else timedelta()
                    )
                    value = int(random.integers(0, 10 * MEASURES[measure].scale))
                    rows.append((person, measure, at.date(), value, at, at + late))
    columns = ["user_id", "measure", "local_date", "value", "happened_at", "alive_from"]
    return pl.DataFrame(rows, schema=columns, orient="row").to_arrow()


def _moments() -> pa.Table:
    """Of each day its midnight, which has no hour, and three others."""
    random = np.random.default_rng(11)
    rows = []
    for person in PEOPLE:
        for day in range(DAYS):
            rows.append((len(rows), person, _midnight(day).date(), _midnight(day), None))
            for second in random.choice(86_400, size=3, replace=False):
                as_of = _midnight(day) + timedelta(seconds=int(second))
                rows.append((len(rows), person, as_of.date(), as_of, int(second)))
    columns = ["moment", "user_id", "local_date", "as_of", "local_seconds"]
    return pl.DataFrame(rows, schema=columns, orient="row", infer_schema_length=None).to_arrow()


def _midnight(day: int) -> datetime:
    return datetime(BEGAN.year, BEGAN.month, BEGAN.day, tzinfo=UTC) + timedelta(days=day)
