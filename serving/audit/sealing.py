"""Seals what was committed since the last seal: each row once, in one order, whatever order rows were committed in.

The ids of rows say nothing of when they were committed. A seal therefore keeps which transactions were over when it
was made (`pg_snapshot`, as builds do: docs/decisions/0004), and the next one takes those that were not.
"""

from __future__ import annotations

from typing import Any, Final, LiteralString

import psycopg
from psycopg.rows import class_row

from aurora.database.connections import connect
from aurora.database.locks import session_lock
from serving.audit.chain import AuditRow, Moment, Seal, next_seal
from serving.audit.trail import COLUMNS, read_last_seal, read_moment

MOST_ROWS: Final = 1_000
"""Of one seal. What waits is sealed by as many as it takes."""

_LOCK: Final = "seal_audit"
# Of the table, by number: the `xid` that is read is a text.
_ORDER: Final[LiteralString] = "order by audit.xid, audit.audit_id"
# Indexes serve the first condition and the last; the second says what is new. The last one alone would do, and look
# at every row there is. It leaves out what came with a dump, whose ids of transactions are of another cluster.
_SINCE: Final[LiteralString] = f"""
    select {COLUMNS} from app.audit
    where
        xid >= pg_snapshot_xmin(%(last)s::text::pg_snapshot)
        and not pg_visible_in_snapshot(xid, %(last)s::text::pg_snapshot)
        and not exists (select from app.audit_seals where audit_ids @> array[audit.audit_id])
    {_ORDER}
"""  # noqa: S608  # our own text
_UNSEALED: Final[LiteralString] = f"""
    select {COLUMNS} from app.audit
    where audit_id in (select audit_id from app.audit except select unnest(audit_ids) from app.audit_seals)
    {_ORDER}
"""  # noqa: S608  # our own text
_ADD: Final[LiteralString] = """
    insert into app.audit_seals (
        number, previous_digest, audit_ids, row_hashes, snapshot, cluster, sealed_at, digest
    )
    values (
        %(number)s, %(previous_digest)s, %(audit_ids)s, %(row_hashes)s, %(snapshot)s::text::pg_snapshot, %(cluster)s,
        %(sealed_at)s, %(digest)s
    )
"""


def seal_trail(url: str, key: bytes) -> list[Seal]:
    """Seal what waits, all of it or nothing; nothing while another process is at it."""
    with connect(url, autocommit=True) as connection, session_lock(connection, _LOCK, patience=0) as is_alone:
        return seal_rows(connection, key) if is_alone else []


def seal_rows(connection: psycopg.Connection[Any], key: bytes) -> list[Seal]:
    """The same for who is alone, on a connection in autocommit."""
    # One snapshot for all that is read, so that what it names as over is what is sealed. It is taken after the lock.
    connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
    made: list[Seal] = []
    with connection.transaction():
        last, moment = read_last_seal(connection), read_moment(connection)
        with _waiting(connection, last, moment) as waiting:
            while rows := waiting.fetchmany(MOST_ROWS):
                last = next_seal(last, rows, moment, key)
                connection.execute(_ADD, vars(last))
                made.append(last)
    return made


def _waiting(
    connection: psycopg.Connection[Any], last: Seal | None, moment: Moment
) -> psycopg.ServerCursor[AuditRow]:
    """What no seal names yet. On the server: weeks of rows may wait where nobody sealed them."""
    cursor = connection.cursor(name="waiting", row_factory=class_row(AuditRow))
    if last is not None and last.cluster == moment.cluster:
        return cursor.execute(_SINCE, {"last": last.snapshot})
    return cursor.execute(_UNSEALED)
