"""The feature marts say of each feature what the live vector means by it."""

from __future__ import annotations

from typing import Any, cast

import psycopg
import pytest

from aurora.features.catalogue import FEATURE_SETS, FEATURES, FOR_ANALYSTS, vector_names
from pipelines.transformation.generated.feature_marts import feature_mart_files


def test_definitions_are_those_of_the_catalogue_in_the_order_of_the_vector(committed_database: str) -> None:
    query = feature_mart_files()["marts/feature_definitions.sql"]
    with psycopg.connect(committed_database) as connection:
        rows = connection.execute(cast("Any", query)).fetchall()

    for name in FEATURE_SETS:
        found = sorted((row[1], row[2]) for row in rows if row[0] == name)
        assert [feature for _, feature in found] == list(vector_names(name))
        learned = {row[2] for row in rows if row[0] == name and row[3] == "feature"}
        assert learned == set(FEATURE_SETS[name])
    assert {row[2] for row in rows if row[0] == "analysts"} == FOR_ANALYSTS
    assert all(row[7] == FEATURES[row[2]].description and row[6] == FEATURES[row[2]].unit for row in rows)


@pytest.mark.parametrize(("name", "size"), [("energy", 25), ("mood", 23)])
def test_mart_of_a_set_has_the_columns_of_its_vector(name: str, size: int) -> None:
    text = feature_mart_files()[f"marts/{name}_features.sql"]
    columns = [line.strip().rstrip(",") for line in text.splitlines() if line.startswith("        ")]

    assert columns[4:] == list(vector_names(name))
    assert len(FEATURE_SETS[name]) == size
