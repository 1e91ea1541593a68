"""The matrix of grants, read from `aurora.database.grants` and proven by trying."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, LiteralString, cast

import psycopg
import pytest
from psycopg import sql

from aurora.database.grants import (
    ANALYST,
    DBT_READERS,
    DBT_SCHEMAS,
    JOB_SCHEMA,
    JOBS,
    PIPELINES,
    PROCESS_ROLES,
    SERVING,
    TABLE_GRANTS,
    apply_grants,
)
from aurora.database.tables import OWNED_SCHEMAS, metadata

RoleUrl = Callable[..., str]

TABLES: Final = sorted(table.fullname for table in metadata.sorted_tables)
PRIVILEGES: Final = ("select", "insert", "update", "delete", "truncate")


def attempt(privilege: str, table: str) -> sql.Composed:
    """A statement that needs exactly this privilege."""
    first_column = metadata.tables[table].columns.keys()[0]
    statements: dict[str, LiteralString] = {
        "select": "select from {table} where false",
        "insert": "insert into {table} default values",
        "update": "update {table} set {column} = default where false",
        "delete": "delete from {table} where false",
        "truncate": "truncate {table}",
    }
    return sql.SQL(statements[privilege]).format(
        table=sql.Identifier(*table.split(".")), column=sql.Identifier(first_column)
    )


def may(connection: psycopg.Connection[Any], privilege: str, table: str) -> bool:
    try:
        with connection.transaction(force_rollback=True):
            connection.execute(attempt(privilege, table))
    except psycopg.errors.InsufficientPrivilege:
        return False
    except psycopg.IntegrityError:
        return True  # A row of nothing but defaults is refused as a row: the right to insert was there.
    return True


def granted(role: str, table: str) -> set[str]:
    return set(TABLE_GRANTS[table].get(role, "").split(", ")) - {""}


def test_the_matrix_names_every_table_and_only_roles_and_tables_that_exist() -> None:
    assert sorted(TABLE_GRANTS) == TABLES
    assert {role for grants in TABLE_GRANTS.values() for role in grants} <= set(PROCESS_ROLES)


@pytest.mark.parametrize("role", PROCESS_ROLES)
def test_a_role_may_do_with_each_table_what_the_matrix_says_and_nothing_more(
    role: str, role_url: RoleUrl
) -> None:
    with psycopg.connect(role_url(role), autocommit=True) as connection:
        connection.execute("set default_transaction_read_only = off")  # An analyst's sessions begin with it.
        allowed = {
            table: {privilege for privilege in PRIVILEGES if may(connection, privilege, table)}
            for table in TABLES
        }

    assert allowed == {table: granted(role, table) for table in TABLES}


@pytest.mark.parametrize("role", PROCESS_ROLES)
def test_no_process_owns_or_creates_anything_in_the_schemas_of_alembic(role: str, role_url: RoleUrl) -> None:
    with psycopg.connect(role_url(role), autocommit=True) as connection:
        connection.execute("set default_transaction_read_only = off")  # An analyst's sessions begin with it.
        for schema in (*OWNED_SCHEMAS, "public"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(
                    sql.SQL("create table {} (x int)").format(sql.Identifier(schema, "intruder"))
                )


@pytest.mark.parametrize("role", PROCESS_ROLES)
def test_only_those_that_store_events_may_have_a_month_made(role: str, role_url: RoleUrl) -> None:
    call = "select raw.ensure_event_partition('2018-03-01')"
    with (
        psycopg.connect(role_url(role), autocommit=True) as connection,
        connection.transaction(force_rollback=True),
    ):
        if role in {PIPELINES, SERVING}:
            assert connection.execute(call).fetchone() == (True,)
        else:
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(call)


def test_a_partition_cannot_be_read_or_changed_past_the_log(role_url: RoleUrl, database_url: str) -> None:
    with psycopg.connect(database_url) as connection:
        row = connection.execute(
            "select inhrelid::regclass::text from pg_inherits where inhparent = 'raw.events'::regclass"
        ).fetchone()
    assert row is not None
    statement = sql.SQL("select from {}").format(sql.Identifier(*row[0].split(".")))
    for role in PROCESS_ROLES:
        with (
            psycopg.connect(role_url(role)) as connection,
            pytest.raises(psycopg.errors.InsufficientPrivilege),
        ):
            connection.execute(statement)


@pytest.mark.parametrize("schema", DBT_SCHEMAS)
def test_what_dbt_builds_is_read_by_its_readers_and_written_by_the_pipelines_alone(
    schema: str, role_url: RoleUrl, committed_database: str
) -> None:
    table = sql.Identifier(schema, "something_built")
    with psycopg.connect(role_url(PIPELINES, committed_database)) as connection:
        connection.execute(sql.SQL("create table {} (x int)").format(table))
    for role in PROCESS_ROLES:
        with psycopg.connect(role_url(role, committed_database), autocommit=True) as connection:
            reads = role == PIPELINES or role in DBT_READERS[schema]
            assert _is_allowed(connection, sql.SQL("select from {}").format(table)) == reads, role
            writes = sql.SQL("insert into {} values (1)").format(table)
            assert _is_allowed(connection, writes) == (role == PIPELINES), role


def test_the_job_queue_belongs_to_the_job_worker(role_url: RoleUrl) -> None:
    for role in PROCESS_ROLES:
        with psycopg.connect(role_url(role), autocommit=True) as connection:
            statement = sql.SQL("create table {} (x int)").format(sql.Identifier(JOB_SCHEMA, "queue"))
            assert _is_allowed(connection, statement) == (role == JOBS), role


def test_the_analyst_has_no_way_to_the_people_behind_the_marts(role_url: RoleUrl) -> None:
    assert all(ANALYST not in grants for grants in TABLE_GRANTS.values())
    with psycopg.connect(role_url(ANALYST), autocommit=True) as connection:
        assert not _is_allowed(connection, sql.SQL("select * from app.users"))


def test_applying_the_matrix_takes_back_what_it_does_not_name(
    committed_database: str, role_url: RoleUrl
) -> None:
    with psycopg.connect(committed_database) as connection:
        connection.execute("grant delete on raw.events to aurora_serving")
        connection.commit()
        apply_grants(connection)
        connection.commit()
        apply_grants(connection)

    with psycopg.connect(role_url(SERVING, committed_database), autocommit=True) as connection:
        assert not may(connection, "delete", "raw.events")
        assert may(connection, "insert", "raw.events")


def _is_allowed(connection: psycopg.Connection[Any], statement: sql.SQL | sql.Composed) -> bool:
    try:
        with connection.transaction(force_rollback=True):
            connection.execute(cast("sql.Composed", statement))
    except (psycopg.errors.InsufficientPrivilege, psycopg.errors.ReadOnlySqlTransaction):
        return False
    return True
