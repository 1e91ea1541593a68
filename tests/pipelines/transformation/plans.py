"""How Postgres goes about the models of features, as it plans them on the data at hand."""

from __future__ import annotations

from typing import Any, cast

import psycopg

from aurora.features.catalogue import DOMAINS
from pipelines.transformation.dbt_runs import target_dir
from tests.pipelines.transformation.conftest import Warehouse


def expected_rows(warehouse: Warehouse) -> dict[str, float]:
    """How many rows Postgres expects of each model of features, as last compiled."""
    found: dict[str, float] = {}
    compiled = target_dir(warehouse.data_dir) / "compiled"
    with psycopg.connect(warehouse.owner_url) as connection:
        for name in (f"moment_{domain}_features" for domain in DOMAINS):
            [path] = compiled.rglob(f"{name}.sql")
            row = connection.execute(cast("Any", f"explain (format json) {path.read_text()}")).fetchone()
            assert row is not None
            found[name] = row[0][0]["Plan"]["Plan Rows"]
    return found
