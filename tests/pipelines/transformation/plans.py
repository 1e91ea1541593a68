"""How Postgres goes about the models of the warehouse, as it plans them on the data at hand."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, cast

import psycopg

from aurora.features.catalogue import DOMAINS
from pipelines.transformation.dbt_runs import NodeResult, target_dir
from tests.pipelines.transformation.conftest import Warehouse

Plan = Mapping[str, Any]

_CONDITIONS = ("Index Cond", "Recheck Cond", "Filter")

_TABLES = """
    select relname from pg_class inner join pg_namespace on pg_namespace.oid = relnamespace
    where nspname in ('staging', 'intermediate') and relkind = 'r'
"""

_GROW_WITH_HISTORY = """
    select relname from pg_class inner join pg_namespace on pg_namespace.oid = relnamespace
    where
        nspname in ('raw', 'staging', 'intermediate', 'features', 'scores', 'predictions', 'insights')
        and relkind in ('r', 'p')
        and relname not in ('stg_touched_days', 'int_changed_days', 'int_rebuilt_days', 'int_rescored_days')
        and relname not in ('int_rebuilt_moments') and relname !~ '^int_[a-z]+_features$'
"""


def expected_rows(warehouse: Warehouse) -> dict[str, float]:
    """How many rows Postgres expects of each model of features, as last compiled."""
    with psycopg.connect(warehouse.owner_url) as connection:
        return {
            name: _plan(connection, warehouse, name)["Plan Rows"]
            for name in (f"int_{domain}_features" for domain in DOMAINS)
        }


def readers_of_the_whole_log(warehouse: Warehouse) -> set[str]:
    """Tables before the features whose model, as last compiled, goes through events of all days to find some.

    Small tables are read through anyway: Postgres is told not to, and does so only where it knows no other way.
    """
    with psycopg.connect(warehouse.owner_url) as connection:
        connection.execute("set enable_seqscan = off")
        return {
            name
            for (name,) in connection.execute(_TABLES).fetchall()
            for node in _nodes(_plan(connection, warehouse, name))
            if node.get("Relation Name", "").startswith("events_")
            and not {"Index Cond", "Recheck Cond"} & node.keys()
        }


def readers_of_all_months(warehouse: Warehouse) -> set[str]:
    """Tables before the features whose model, as last compiled, asks months of the log whatever day it asks for."""
    with psycopg.connect(warehouse.owner_url) as connection:
        return {
            name
            for (name,) in connection.execute(_TABLES).fetchall()
            for node in _nodes(_plan(connection, warehouse, name))
            if node.get("Relation Name", "").startswith("events_")
            and not any("started_at" in node.get(condition, "") for condition in _CONDITIONS)
        }


def readers_of_all_history(warehouse: Warehouse, results: Iterable[NodeResult]) -> set[str]:
    """Tests among these results whose SQL goes through a table that grows with history, to find some of its rows."""
    with psycopg.connect(warehouse.owner_url) as connection:
        connection.execute("set enable_seqscan = off")
        growing = {name for (name,) in connection.execute(_GROW_WITH_HISTORY).fetchall()}
        return {
            result.name
            for result in results
            if result.kind == "test"
            for node in _nodes(_explained(connection, result.sql))
            if node.get("Relation Name") in growing and not {"Index Cond", "Recheck Cond"} & node.keys()
        }


def _plan(connection: psycopg.Connection[Any], warehouse: Warehouse, model: str) -> Plan:
    compiled = (target_dir(warehouse.data_dir) / "compiled").rglob(f"{model}.sql")
    # What dbt's unit tests put in a model's place has its name too, in a folder named after their file.
    [path] = (path for path in compiled if path.parent.suffix != ".yml")
    return _explained(connection, path.read_text())


def _explained(connection: psycopg.Connection[Any], query: str) -> Plan:
    [(found,)] = connection.execute(cast("Any", f"explain (format json) {query}")).fetchall()
    return found[0]["Plan"]


def _nodes(plan: Plan) -> Iterator[Plan]:
    yield plan
    for below in plan.get("Plans", ()):
        yield from _nodes(below)
