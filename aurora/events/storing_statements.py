"""The SQL of the way into the log: one statement stores keys, log rows, touched days and outbox rows at once.

It reads incoming events from JSON, or from a temporary table of the same columns. What runs it, and what its
answers mean, stands in `aurora.events.storage`.
"""

from __future__ import annotations

from datetime import date, timedelta
from functools import cache
from typing import Final, LiteralString, cast

from psycopg import sql

from aurora.events.storing_texts import (
    ANNOUNCE_AHEAD,
    ANNOUNCE_DAYS,
    ANNOUNCE_EVENTS,
    OTHER_VERSIONS,
    STORE,
    STORE_NEW,
    UNSEEN,
)
from aurora.topics import EVENTS_ACCEPTED

LIVE_DAYS: Final = 28
"""Days that live state reaches back. Older days are the warehouse's alone and need no message."""

COPIED: Final = "incoming_live_events"
"""The temporary table of a long batch."""

INCOMING_COLUMNS: Final[dict[str, str]] = {
    "ordinal": "bigint",
    "user_id": "uuid",
    "event_id": "uuid",
    "version": "integer",
    "type": "text",
    "schema_version": "integer",
    "started_at": "timestamptz",
    "ended_at": "timestamptz",
    "tz": "text",
    "local_date": "date",
    "local_started_at": "timestamp",
    "local_ended_at": "timestamp",
    "day_started_at": "timestamptz",
    "day_ended_at": "timestamptz",
    "precision": "text",
    "source_name": "text",
    "source_record_id": "text",
    "source_device": "text",
    "modality": "text",
    "form_id": "text",
    "payload": "jsonb",
    "note_ciphertext": "bytea",
    "is_deleted": "boolean",
    "body_hash": "bytea",
    "received_at": "timestamptz",
    "known_at": "timestamptz",
    "available_at": "timestamptz",
    "batch_id": "uuid",
}
"""The columns of one incoming event, in the order of a COPY into the temporary table."""

_LOG_COLUMNS: Final = [name for name in INCOMING_COLUMNS if name not in {"ordinal", "day_ended_at"}]


def store_statement(incoming: sql.Composable, announcement: sql.Composable) -> sql.Composed:
    """The statement over any incoming events; it answers with each ordinal and its outcome, null when unseen."""
    return _statement(
        STORE,
        incoming=incoming,
        columns=_log_columns(),
        announcement=announcement,
        announcement_ahead=_announce(ANNOUNCE_AHEAD, "new_events"),
    )


def _log_columns() -> sql.Composable:
    return sql.SQL(", ").join(sql.Identifier(name) for name in _LOG_COLUMNS)


def _announce(announcement: str, stored: str) -> sql.Composed:
    return _statement(announcement, topic=sql.Literal(EVENTS_ACCEPTED), stored=sql.Identifier(stored))


def create_incoming(table: str) -> sql.Composed:
    """DDL of the temporary table that an import copies into; it is gone with its transaction."""
    columns = sql.SQL(", ").join(
        sql.SQL("{} {}").format(sql.Identifier(name), sql.SQL(cast("LiteralString", kind)))
        for name, kind in INCOMING_COLUMNS.items()
    )
    return sql.SQL("create temporary table {} ({}) on commit drop").format(sql.Identifier(table), columns)


def announce_days(today: date) -> sql.Composed:
    """What an import puts into the outbox."""
    return sql.SQL(ANNOUNCE_DAYS).format(
        topic=sql.Literal(EVENTS_ACCEPTED), live_since=sql.Literal(today - timedelta(days=LIVE_DAYS))
    )


def unseen_statement(incoming: sql.Composable, ordinals: list[int]) -> sql.Composed:
    """For keys that another transaction wrote meanwhile: whether its body is the same."""
    return _statement(UNSEEN, incoming=incoming, ordinals=sql.Literal(ordinals))


@cache
def store_given() -> bytes:
    """The statement over events that come as the parameter `incoming`: one text, so that it is planned once.

    They are counted from 1. It waits for what another transaction holds as long as the parameter `patience` says (a
    lock_timeout, null for the one that is set).
    """
    # In the statement itself, before its first row: a `set local` of its own would be a round trip for each group.
    patience = sql.SQL(
        "{} cross join set_config('lock_timeout', coalesce(%(patience)s, current_setting('lock_timeout')), true)"
    ).format(_given())
    return store_statement(patience, _announce(ANNOUNCE_EVENTS, "new_events")).as_bytes(None)


@cache
def create_copied() -> sql.Composed:
    return create_incoming(COPIED)


@cache
def drop_copied() -> sql.Composed:
    return sql.SQL("drop table {}").format(sql.Identifier(COPIED))


@cache
def copy_into_copied(columns: tuple[str, ...]) -> sql.Composed:
    """Takes rows as `aurora.events.copied_rows` makes them."""
    names = sql.SQL(", ").join(map(sql.Identifier, columns))
    return sql.SQL(r"""copy {} ({}) from stdin (format csv, null 'null', quote '"', escape '\')""").format(
        sql.Identifier(COPIED), names
    )


@cache
def store_copied_rows() -> sql.Composed:
    return store_statement(copied(), _announce(ANNOUNCE_EVENTS, "new_events"))


@cache
def store_new_rows() -> bytes:
    """The statement for copied rows that should all be new; it answers with how many keys were."""
    return _statement(
        STORE_NEW,
        incoming=copied(),
        columns=_log_columns(),
        announcement=_announce(ANNOUNCE_EVENTS, "incoming"),
        announcement_ahead=_announce(ANNOUNCE_AHEAD, "incoming"),
    ).as_bytes(None)


@cache
def other_versions() -> bytes:
    """Whether the log has another version of a copied row."""
    return _statement(OTHER_VERSIONS, incoming=copied()).as_bytes(None)


def copied() -> sql.Composed:
    return sql.SQL("{} as incoming").format(sql.Identifier(COPIED))


@cache
def unseen_given() -> bytes:
    return _statement(UNSEEN, incoming=_given(), ordinals=sql.SQL("%(ordinals)s")).as_bytes(None)


def _given() -> sql.Composed:
    names = [name for name in INCOMING_COLUMNS if name != "ordinal"]
    columns = sql.SQL(", ").join(
        sql.SQL("{} {}").format(sql.Identifier(name), sql.SQL(cast("LiteralString", INCOMING_COLUMNS[name])))
        for name in names
    )
    return sql.SQL(
        "rows from (json_to_recordset(%(incoming)s::json) as ({})) with ordinality as incoming ({}, ordinal)"
    ).format(columns, sql.SQL(", ").join(map(sql.Identifier, names)))


def _statement(template: str, **parts: sql.Composable) -> sql.Composed:
    return sql.SQL(cast("LiteralString", template)).format(**parts)
