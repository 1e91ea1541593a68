"""Who may do what: one role per process, one matrix, applied after every migration and proven by tests."""

from __future__ import annotations

from typing import Any, Final, LiteralString, cast

import psycopg
from psycopg import sql

from aurora.database.tables import OWNED_SCHEMAS

OWNER: Final = "aurora_owner"
PIPELINES: Final = "aurora_pipelines"
SERVING: Final = "aurora_serving"
STREAMS: Final = "aurora_streams"
JOBS: Final = "aurora_jobs"
ANALYST: Final = "aurora_analyst"
MLFLOW: Final = "aurora_mlflow"
DAGSTER: Final = "aurora_dagster"

DATABASE_OF_ROLE: Final = {MLFLOW: "mlflow", DAGSTER: "dagster"}
"""The roles that have a database of their own; all others work in the database `aurora`."""

PROCESS_ROLES: Final = (PIPELINES, SERVING, STREAMS, JOBS, ANALYST)

ANALYST_SCHEMA: Final = "analysts"
"""Each mart again, as a view with a key in place of the person and without words."""

DBT_SCHEMAS: Final = ("staging", "intermediate", "features", "scores", "marts", ANALYST_SCHEMA)
"""Owned by the role of the pipelines, which runs dbt."""

JOB_SCHEMA: Final = "jobs"
"""Owned by the role of the job worker, whose queue brings its own tables."""

_R, _RW, _APPEND, _ALL = (
    "select",
    "select, insert, update",
    "select, insert",
    "select, insert, update, delete",
)

TABLE_GRANTS: Final[dict[str, dict[str, str]]] = {
    "app.users": {PIPELINES: "select, insert", SERVING: _RW, STREAMS: _R, JOBS: _RW},
    "app.pseudonyms": {PIPELINES: _ALL},
    "app.api_keys": {SERVING: _RW, JOBS: "select, delete"},
    "app.sessions": {SERVING: _RW, JOBS: "select, delete"},
    # A link is made by the worker that sends it, and used by the API.
    "app.email_tokens": {SERVING: "select, update", JOBS: "select, insert, delete"},
    "app.outgoing_emails": {SERVING: "insert", JOBS: "select, update, delete"},
    "app.idempotency_keys": {SERVING: _RW, JOBS: "select, delete"},
    "app.notice_heads": {SERVING: _RW, STREAMS: _RW, JOBS: _R},
    "app.notices": {SERVING: _APPEND, STREAMS: _APPEND, JOBS: "select, delete"},
    "app.webhooks": {SERVING: _ALL, JOBS: "select, update"},
    "app.webhook_secrets": {SERVING: _RW, JOBS: "select, delete"},
    "app.webhook_deliveries": {SERVING: _RW, JOBS: _ALL},
    "app.webhook_attempts": {SERVING: _R, JOBS: _APPEND},
    "app.audit": {SERVING: _APPEND, JOBS: _R},
    "app.audit_seals": {JOBS: _APPEND},
    "app.feature_flags": {SERVING: _ALL},
    "raw.events": {PIPELINES: _APPEND, SERVING: _APPEND, STREAMS: _R},
    "raw.event_keys": {PIPELINES: _APPEND, SERVING: _APPEND, STREAMS: _R},
    "raw.outbox": {
        PIPELINES: _APPEND,
        SERVING: _APPEND,
        STREAMS: "select, insert, update",
        JOBS: "select, delete",
    },
    "raw.touched_days": {PIPELINES: "select, insert, delete", SERVING: "select, insert", STREAMS: _R},
    "raw.builds": {PIPELINES: _RW, STREAMS: _R},
    # The borders of a day move with the zone data (aurora/events/local_days.py).
    "raw.user_days": {PIPELINES: _RW, SERVING: _APPEND, STREAMS: _R},
    "raw.rejected_events": {PIPELINES: _RW, SERVING: _RW, STREAMS: _APPEND, JOBS: _R},
    "raw.event_archives": {PIPELINES: _RW},
    "raw.zone_data": {PIPELINES: _RW},
    "raw.import_batches": {PIPELINES: _RW},
    "raw.import_rows": {PIPELINES: "select, insert, delete"},
    "raw.simulations": {PIPELINES: _RW},
    "predictions.model_artifacts": {PIPELINES: _APPEND, SERVING: _R, STREAMS: _R},
    "predictions.model_aliases": {PIPELINES: _ALL, SERVING: _R, STREAMS: _R},
    "predictions.model_alias_history": {PIPELINES: _APPEND, SERVING: _R},
    "predictions.predictions": {PIPELINES: _APPEND, SERVING: _APPEND, STREAMS: _APPEND},
    "predictions.shadow_predictions": {PIPELINES: _ALL},
    "predictions.drift": {PIPELINES: _RW},
    "insights.pattern_searches": {PIPELINES: "select, insert, delete", SERVING: _R},
    "insights.patterns": {PIPELINES: "select, insert, delete", SERVING: _R},
}
"""Table → role → privileges. A role that is not named has none."""

VIEW_GRANTS: Final[dict[str, tuple[str, ...]]] = {
    "raw.current_events": (PIPELINES, SERVING, STREAMS),
    "raw.last_good_build": (PIPELINES, STREAMS),
    "raw.unbuilt_days": (PIPELINES, STREAMS),
}
"""View → the roles that may read it; each needs the tables below it as well."""

FUNCTION_GRANTS: Final[dict[LiteralString, tuple[str, ...]]] = {
    "raw.ensure_event_partition(date)": (PIPELINES, SERVING),
    "raw.events_known_at(timestamptz)": (PIPELINES, SERVING, STREAMS),
    "raw.digest_of_month(regclass, date, text[])": (PIPELINES,),
    "raw.drop_archived_month(date, text)": (PIPELINES,),
}
"""Function → the roles that may call it."""

DBT_READERS: Final[dict[str, tuple[str, ...]]] = {
    "staging": (),
    "intermediate": (STREAMS, SERVING),
    "features": (STREAMS, SERVING),
    "scores": (STREAMS, SERVING),
    "marts": (SERVING,),
    ANALYST_SCHEMA: (ANALYST,),
}

_READS: Final[tuple[LiteralString, ...]] = (
    "grant usage on schema {schema} to {role}",
    "grant select on all tables in schema {schema} to {role}",
    "alter default privileges in schema {schema} grant select on tables to {role}",
)
_READS_NOT: Final[tuple[LiteralString, ...]] = (
    "revoke all on schema {schema} from {role}",
    "revoke all on all tables in schema {schema} from {role}",
    "alter default privileges in schema {schema} revoke all on tables from {role}",
)


def apply_grants(connection: psycopg.Connection[Any]) -> None:
    """Bring the database to exactly this matrix. Idempotent; run as the owner."""
    for schema, owner in {**dict.fromkeys(DBT_SCHEMAS, PIPELINES), JOB_SCHEMA: JOBS}.items():
        connection.execute(
            sql.SQL("create schema if not exists {} authorization {}").format(
                sql.Identifier(schema), sql.Identifier(owner)
            )
        )
    for role in PROCESS_ROLES:
        for schema in OWNED_SCHEMAS:
            connection.execute(
                sql.SQL("revoke all on all tables in schema {} from {}").format(
                    sql.Identifier(schema), sql.Identifier(role)
                )
            )
            if role != ANALYST:
                connection.execute(
                    sql.SQL("grant usage on schema {} to {}").format(
                        sql.Identifier(schema), sql.Identifier(role)
                    )
                )
    for table, grants in TABLE_GRANTS.items():
        for role, privileges in grants.items():
            connection.execute(
                sql.SQL("grant {} on {} to {}").format(
                    sql.SQL(cast("LiteralString", privileges)),
                    sql.Identifier(*table.split(".")),
                    sql.Identifier(role),
                )
            )
    connection.execute(
        sql.SQL("grant usage on sequence raw.outbox_positions to {}").format(sql.Identifier(STREAMS))
    )
    _grant_views_and_functions(connection)
    _grant_dbt_schemas(connection)
    _grant_temporary_tables(connection)


def _grant_views_and_functions(connection: psycopg.Connection[Any]) -> None:
    for view, readers in VIEW_GRANTS.items():
        for role in readers:
            connection.execute(
                sql.SQL("grant select on {} to {}").format(
                    sql.Identifier(*view.split(".")), sql.Identifier(role)
                )
            )
    for function, callers in FUNCTION_GRANTS.items():
        name = sql.SQL(function)
        connection.execute(sql.SQL("revoke all on function {} from public").format(name))
        for role in PROCESS_ROLES:
            verb = sql.SQL(
                "grant execute on function {} to {}"
                if role in callers
                else "revoke all on function {} from {}"
            )
            connection.execute(verb.format(name, sql.Identifier(role)))


def _grant_dbt_schemas(connection: psycopg.Connection[Any]) -> None:
    """Readers of what dbt will build: default privileges, because dbt replaces its tables."""
    connection.execute(sql.SQL("set local role {}").format(sql.Identifier(PIPELINES)))
    for schema, readers in DBT_READERS.items():
        for role in PROCESS_ROLES:
            if role != PIPELINES:
                names = {"schema": sql.Identifier(schema), "role": sql.Identifier(role)}
                for statement in _READS if role in readers else _READS_NOT:
                    connection.execute(sql.SQL(statement).format(**names))
    connection.execute("reset role")


def _grant_temporary_tables(connection: psycopg.Connection[Any]) -> None:
    """To all but the analysts; Postgres gives them to everybody. Of a database that is not ours, we leave it so."""
    row = connection.execute(
        "select datname, pg_has_role(datdba, 'usage') from pg_database where datname = current_database()"
    ).fetchone()
    if row is None or not row[1]:
        return
    database = sql.Identifier(row[0])
    connection.execute(sql.SQL("revoke temporary on database {} from public").format(database))
    for role in PROCESS_ROLES:
        if role != ANALYST:
            connection.execute(
                sql.SQL("grant temporary on database {} to {}").format(database, sql.Identifier(role))
            )
