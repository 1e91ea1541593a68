"""The checks that every table has: red when it is not what its definition says, or has odd numbers of rows."""

from __future__ import annotations

from typing import Any

import dagster as dg
import psycopg
import pytest

from pipelines.quality import SEVERITY
from pipelines.resources import PostgresResource, ReplayResource, SettingsResource
from pipelines.table_checks import CONTRACT, ROW_COUNT, compare_columns, judge_counts, table_checks

TABLE = dg.AssetKey(["marts", "things"])


def a_table(*columns: tuple[str, str], kind: str = "dbt") -> dg.AssetsDefinition:
    schema = dg.TableSchema([dg.TableColumn(name, kind) for name, kind in columns])

    @dg.asset(key=TABLE, kinds={kind}, metadata={"dagster/column_schema": schema})
    def things() -> None:
        """One row per thing."""

    return things


def checked(
    table: dg.AssetsDefinition, name: str, *, url: str = "", instance: dg.DagsterInstance | None = None
) -> dg.AssetCheckEvaluation:
    """What the check called `name` says of the table as it is now."""
    checks = table_checks([table])
    result = dg.materialize(
        [table, *checks],
        selection=dg.AssetSelection.checks(dg.AssetCheckKey(TABLE, name)),
        resources={"postgres": PostgresResource(settings=SettingsResource(overrides={"postgres_url": url}))},
        instance=instance or dg.DagsterInstance.ephemeral(),
    )
    (evaluation,) = result.get_asset_check_evaluations()
    (promised,) = [
        one.metadata.get(SEVERITY) for check in checks for one in check.check_specs if one.name == name
    ]
    assert promised in {None, evaluation.severity.value}
    return evaluation


@pytest.fixture
def things(committed_database: str) -> str:
    """A database with a table of three columns."""
    execute(committed_database, "create schema if not exists marts")
    execute(committed_database, "create table marts.things (user_id uuid, at timestamptz, score float8)")
    return committed_database


def execute(url: str, statement: Any) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(statement)


WANTED = a_table(("user_id", "UUID"), ("at", "TIMESTAMP WITH TIME ZONE"), ("score", "?"))


def test_table_as_defined_is_green_however_its_types_are_written(things: str) -> None:
    assert checked(WANTED, CONTRACT, url=things).passed


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ("alter table marts.things drop column score", "score is missing"),
        ("alter table marts.things add column extra text", "extra is in no definition"),
        ("alter table marts.things alter column user_id type text", "user_id is text, not uuid"),
        ("drop table marts.things", "there is no such table"),
    ],
)
def test_table_that_somebody_changed_by_hand_is_red(things: str, change: str, problem: str) -> None:
    execute(things, change)

    red = checked(WANTED, CONTRACT, url=things)

    assert not red.passed
    assert red.description == problem


def test_every_table_of_alembics_is_as_its_definition_says(committed_database: str) -> None:
    from pipelines.definitions import defs

    tables = [
        asset
        for asset in defs.assets or []
        if isinstance(asset, dg.AssetsDefinition) and not any("dbt" in spec.kinds for spec in asset.specs)
    ]
    settings = SettingsResource(overrides={"postgres_url": committed_database})
    result = dg.materialize(
        [*tables, *(checks := table_checks(tables))],
        selection=dg.AssetSelection.checks(*checks),
        resources={
            "postgres": PostgresResource(settings=settings),
            "settings": settings,
            "replay": ReplayResource(),
        },
    )
    evaluations = result.get_asset_check_evaluations()

    assert {"raw/events", "raw/import_rows", "raw/event_archives", "predictions/predictions"} <= {
        one.asset_key.to_user_string() for one in evaluations
    }
    assert [one.description for one in evaluations if not one.passed] == []


@pytest.mark.parametrize(("kind", "is_blocking"), [("postgres", True), ("dbt", False)])
def test_log_with_other_columns_stops_what_is_built_from_it(kind: str, is_blocking: bool) -> None:
    (contract,) = [
        spec
        for check in table_checks([a_table(("user_id", "uuid"), kind=kind)])
        for spec in check.check_specs
        if spec.name == CONTRACT
    ]

    assert contract.blocking is is_blocking


def test_unknown_types_are_compared_by_name_only() -> None:
    assert compare_columns({"a": "?"}, {"a": "text"}) == []
    assert compare_columns({"a": "uuid"}, {"a": "text"}) == ["a is text, not uuid"]


# --- row counts ----------------------------------------------------------------------------------------------


def an_instance(*counts: int) -> dg.DagsterInstance:
    """An instance that has seen the table with so many rows, the oldest first."""
    instance = dg.DagsterInstance.ephemeral()
    for count in counts:
        instance.report_runless_asset_event(
            dg.AssetMaterialization(TABLE, metadata={"dagster/row_count": count})
        )
    return instance


@pytest.mark.parametrize("now", [500, 1000, 1900])
def test_usual_number_of_rows_is_green(now: int) -> None:
    assert checked(WANTED, ROW_COUNT, instance=an_instance(990, 1000, 1005, 1010, 1000, now)).passed


@pytest.mark.parametrize(("now", "said"), [(0, "0 rows, usually 1,000"), (2500, "2,500 rows, usually 1,000")])
def test_table_that_shrank_or_doubled_is_red(now: int, said: str) -> None:
    red = checked(WANTED, ROW_COUNT, instance=an_instance(990, 1000, 1005, 1010, 1000, now))

    assert not red.passed
    assert red.description == said


def test_short_history_and_small_tables_are_not_judged() -> None:
    assert judge_counts([0, 1000, 1000, 1000, 1000]) is None
    assert judge_counts([0, 9, 9, 9, 9, 9]) is None
    assert judge_counts([]) is None


def test_changed_columns_between_two_materializations_are_red() -> None:
    instance = dg.DagsterInstance.ephemeral()
    for columns in ([dg.TableColumn("a", "text")], [dg.TableColumn("a", "text"), dg.TableColumn("b", "int")]):
        instance.report_runless_asset_event(
            dg.AssetMaterialization(TABLE, metadata={"dagster/column_schema": dg.TableSchema(columns)})
        )

    red = checked(WANTED, "column_schema_change", instance=instance)

    assert not red.passed
    assert red.severity == dg.AssetCheckSeverity.WARN
    assert "Added columns: b" in (red.description or "")
    green = dg.DagsterInstance.ephemeral()
    assert checked(WANTED, "column_schema_change", instance=green).passed
