"""The unit tests of the dbt project: its logic on a handful of rows. A nightly build leaves them out."""

from __future__ import annotations

import json

from pipelines.transformation.dbt_runs import parse, run_dbt
from pipelines.transformation.warehouse import build_warehouse
from tests.pipelines.transformation.conftest import Warehouse, warehouse

__all__ = ["warehouse"]


def test_every_unit_test_of_the_dbt_project_passes(warehouse: Warehouse) -> None:
    # They read the types of their inputs from the database: the tables have to be there, empty.
    build_warehouse(warehouse.url, data_dir=warehouse.data_dir)
    results = run_dbt(
        ["test", "--select", "test_type:unit"], postgres_url=warehouse.url, data_dir=warehouse.data_dir
    )

    assert [f"{result.name}: {result.message}" for result in results if result.is_bad] == []
    manifest = json.loads(parse(data_dir=warehouse.data_dir))
    assert {result.unique_id for result in results} == set(manifest["unit_tests"])
