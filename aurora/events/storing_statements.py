"""The SQL of the way into the log: one statement stores keys, log rows, touched days and outbox rows at once.

It reads incoming events from JSON, or from a temporary table of the same columns. What runs it, and what its
answers mean, stands in `aurora.events.storage`.
"""

from __future__ import annotations

from datetime import date, timedelta
from functools import cache
from typing import Final, LiteralString, cast

from psycopg import sql

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

_STORE: Final = """
with

incoming as (

    select * from {incoming}

),

-- The first of several equal (id, version) in one batch is the one that counts.
first_of_version as (

    select distinct on (user_id, event_id, version) *
    from incoming
    order by user_id, event_id, version, ordinal

),

new_keys as (

    insert into raw.event_keys (user_id, event_id, version, body_hash, started_at, local_date)
    select user_id, event_id, version, body_hash, started_at, local_date
    from first_of_version
    on conflict do nothing
    returning user_id, event_id, version

),

new_events as (

    select first_of_version.*
    from first_of_version
    inner join new_keys using (user_id, event_id, version)

),

logged as (

    insert into raw.events ({columns})
    select {columns} from new_events

),

-- A correction may move an event to another day: the day it leaves has changed as well.
changed_days as (

    select user_id, local_date from new_events
    union
    select event_keys.user_id, event_keys.local_date
    from raw.event_keys as event_keys
    inner join new_events using (user_id, event_id)

),

touched as (

    insert into raw.touched_days (user_id, local_date)
    select user_id, local_date from changed_days
    on conflict do nothing

),

days as (

    insert into raw.user_days (user_id, local_date, day_started_at, day_ended_at)
    select distinct on (user_id, local_date) user_id, local_date, day_started_at, day_ended_at
    from new_events
    order by user_id, local_date, ordinal
    on conflict do nothing

),

announced as (

    insert into raw.outbox (topic, user_id, body, due_at)
    {announcement}
    -- What lies ahead (an appointment, a device's fast clock, an arrival lag) counts from then on.
    union all
    select distinct on (user_id, local_date, available_at)
        {topic}, user_id,
        jsonb_build_object('user_id', user_id, 'local_date', local_date, 'received_at', available_at),
        available_at
    from new_events
    where available_at > received_at

),

highest as (

    select user_id, event_id, max(version) as version
    from (
        select user_id, event_id, version from incoming
        union all
        select event_keys.user_id, event_keys.event_id, event_keys.version
        from raw.event_keys as event_keys
        inner join incoming using (user_id, event_id)
    ) as versions
    group by user_id, event_id

)

select
    incoming.ordinal,
    case
        when new_events.ordinal = incoming.ordinal and incoming.version < highest.version then 'superseded'
        when new_events.ordinal = incoming.ordinal then 'accepted'
        when coalesce(event_keys.body_hash, new_events.body_hash) = incoming.body_hash then 'duplicate'
        when coalesce(event_keys.body_hash, new_events.body_hash) is not null then 'conflict'
    end as outcome
from incoming
left join new_events using (user_id, event_id, version)
left join raw.event_keys as event_keys using (user_id, event_id, version)
inner join highest on incoming.user_id = highest.user_id and incoming.event_id = highest.event_id
"""

# One message an event, so that its effect can be told by id.
_ANNOUNCE_EVENTS: Final = """
    select
        {topic}, user_id,
        jsonb_build_object(
            'user_id', user_id, 'event_id', event_id, 'version', version, 'type', type,
            'local_date', local_date, 'received_at', received_at
        ),
        now()
    from new_events
"""

# An import touches thousands of events a day: one message a person and day, and only of days that live
# state still reaches.
_ANNOUNCE_DAYS: Final = """
    select
        {topic}, user_id,
        jsonb_build_object('user_id', user_id, 'local_date', local_date, 'received_at', now()),
        now()
    from changed_days
    where local_date >= {live_since}
"""

_UNSEEN: Final = """
select incoming.ordinal, event_keys.body_hash = incoming.body_hash
from {incoming}
inner join raw.event_keys as event_keys using (user_id, event_id, version)
where incoming.ordinal = any({ordinals}::bigint[])
"""


def store_statement(incoming: sql.Composable, announcement: sql.Composable) -> sql.Composed:
    """The statement over any incoming events; it answers with each ordinal and its outcome, null when unseen."""
    columns = sql.SQL(", ").join(sql.Identifier(name) for name in _LOG_COLUMNS)
    return _statement(
        _STORE,
        incoming=incoming,
        columns=columns,
        announcement=announcement,
        topic=sql.Literal(EVENTS_ACCEPTED),
    )


def create_incoming(table: str) -> sql.Composed:
    """DDL of the temporary table that an import copies into; it is gone with its transaction."""
    columns = sql.SQL(", ").join(
        sql.SQL("{} {}").format(sql.Identifier(name), sql.SQL(cast("LiteralString", kind)))
        for name, kind in INCOMING_COLUMNS.items()
    )
    return sql.SQL("create temporary table {} ({}) on commit drop").format(sql.Identifier(table), columns)


def announce_days(today: date) -> sql.Composed:
    """What an import puts into the outbox."""
    return sql.SQL(_ANNOUNCE_DAYS).format(
        topic=sql.Literal(EVENTS_ACCEPTED), live_since=sql.Literal(today - timedelta(days=LIVE_DAYS))
    )


def unseen_statement(incoming: sql.Composable, ordinals: list[int]) -> sql.Composed:
    """For keys that another transaction wrote meanwhile: whether its body is the same."""
    return _statement(_UNSEEN, incoming=incoming, ordinals=sql.Literal(ordinals))


@cache
def store_given() -> sql.Composed:
    """The statement over events that come as the parameter `incoming`: one text, so that it is planned once."""
    announcement = sql.SQL(_ANNOUNCE_EVENTS).format(topic=sql.Literal(EVENTS_ACCEPTED))
    return store_statement(_given(), announcement)


@cache
def create_copied() -> sql.Composed:
    return create_incoming(COPIED)


@cache
def copy_into_copied() -> sql.Composed:
    return sql.SQL("copy {} from stdin").format(sql.Identifier(COPIED))


@cache
def store_copied_rows() -> sql.Composed:
    announcement = sql.SQL(_ANNOUNCE_EVENTS).format(topic=sql.Literal(EVENTS_ACCEPTED))
    return store_statement(copied(), announcement)


def copied() -> sql.Composed:
    return sql.SQL("{} as incoming").format(sql.Identifier(COPIED))


@cache
def unseen_given() -> sql.Composed:
    return _statement(_UNSEEN, incoming=_given(), ordinals=sql.SQL("%(ordinals)s"))


def _given() -> sql.Composed:
    columns = sql.SQL(", ").join(
        sql.SQL("{} {}").format(sql.Identifier(name), sql.SQL(cast("LiteralString", kind)))
        for name, kind in INCOMING_COLUMNS.items()
    )
    return sql.SQL("jsonb_to_recordset(%(incoming)s::text::jsonb) as incoming ({})").format(columns)


def _statement(template: str, **parts: sql.Composable) -> sql.Composed:
    return sql.SQL(cast("LiteralString", template)).format(**parts)
