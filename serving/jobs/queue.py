"""The queue: procrastinate in the schema `jobs`, which belongs to the role of this worker.

procrastinate brings its own tables, as dbt and MLflow do; they are made at the first start.
"""

from __future__ import annotations

from typing import Any, Final, LiteralString

import psycopg
import structlog
from procrastinate import App, PsycopgConnector
from procrastinate.schema import SchemaManager
from psycopg import sql

from aurora.database.connections import connect
from aurora.database.grants import JOB_SCHEMA
from aurora.errors import AuroraError
from serving.jobs.audit import sealing
from serving.jobs.dead_letters import counting
from serving.jobs.tasks import housekeeping

_SEARCH_PATH: Final = f"-c search_path={JOB_SCHEMA}"
_LOCK: Final = 7_001_002
"""Advisory lock: two workers that start together make the tables one after the other."""

log = structlog.get_logger(__name__)


class JobSchemaMissingError(AuroraError):
    def __init__(self) -> None:
        super().__init__(f"there is no schema {JOB_SCHEMA!r} in the database: run `aurora migrate`")


def job_queue(url: str, system_key: str) -> App:
    """The queue and every task that its worker knows."""
    app = App(
        connector=PsycopgConnector(conninfo=url, min_size=1, max_size=3, kwargs={"options": _SEARCH_PATH})
    )
    app.add_tasks_from(housekeeping(url), namespace="housekeeping")
    app.add_tasks_from(counting(url), namespace="metrics")
    app.add_tasks_from(sealing(url, system_key), namespace="audit")
    return app


def ensure_tables(url: str) -> bool:
    """Make procrastinate's tables if they are not there; returns whether they were made."""
    with connect(url) as connection:
        connection.execute("select pg_advisory_xact_lock(%s)", (_LOCK,))
        if not _exists(connection, "select 1 from pg_namespace where nspname = %s", JOB_SCHEMA):
            raise JobSchemaMissingError
        if _exists(
            connection, "select 1 where to_regclass(%s) is not null", f"{JOB_SCHEMA}.procrastinate_jobs"
        ):
            return False
        connection.execute(sql.SQL("set local search_path to {}").format(sql.Identifier(JOB_SCHEMA)))
        connection.execute(SchemaManager.get_schema())
    log.info("job_tables_made")
    return True


def _exists(connection: psycopg.Connection[Any], query: LiteralString, value: str) -> bool:
    return connection.execute(query, (value,)).fetchone() is not None
