"""History: what may be asked of the log, and why nobody can change it. Alembic makes these (migration 0003).

- `raw.events_known_at(instant)`: each event in the version that counted at that instant.
- `raw.current_events`: each event in its newest version, appointments that lie ahead included.
- A trigger on the log and its keys that refuses every change, whoever asks; erasing a person names them first.
"""

from __future__ import annotations

from typing import Final, LiteralString

COLUMNS: Final[LiteralString] = """
    user_id, event_id, version, type, schema_version, started_at, ended_at, tz, local_date, local_started_at,
    local_ended_at, day_started_at, precision, source_name, source_record_id, source_device, modality, form_id,
    payload, note_ciphertext, is_deleted, body_hash, received_at, known_at, available_at, batch_id
"""
"""Named, not `*`: a view keeps the columns that it was made with, and a later migration may take one away."""

# One plain query, so that Postgres unfolds it into the query that asks: its conditions reach the partitions.
CREATE_EVENTS_KNOWN_AT: Final[LiteralString] = """
    create or replace function raw.events_known_at(instant timestamptz) returns setof raw.events
    language sql stable as $$
        select events.*
        from raw.events as events
        where
            events.available_at <= instant
            and not events.is_deleted
            and not exists (
                select from raw.event_keys as keys
                inner join raw.events as later using (user_id, event_id, version, started_at)
                where
                    keys.user_id = events.user_id
                    and keys.event_id = events.event_id
                    and keys.version > events.version
                    and later.available_at <= instant
            )
    $$
"""

CREATE_CURRENT_EVENTS: Final[LiteralString] = f"""
    create or replace view raw.current_events with (security_invoker = true) as
    select {COLUMNS}
    from raw.events as events
    where
        not is_deleted
        and not exists (
            select from raw.event_keys as later
            where
                later.user_id = events.user_id
                and later.event_id = events.event_id
                and later.version > events.version
        )
"""  # noqa: S608  # a constant of this module

ERASURE_SETTING: Final = "aurora.erasure_of"
"""Whose erasure this transaction is: `select set_config('aurora.erasure_of', user_id, true)`."""

CREATE_REFUSAL: Final[LiteralString] = f"""
    create or replace function raw.refuse_to_change_history() returns trigger
    language plpgsql set search_path = pg_catalog as $$
    begin
        if tg_op = 'DELETE' and old.user_id::text = current_setting('{ERASURE_SETTING}', true) then
            return old;
        end if;
        raise exception '% is append-only: % refused', tg_table_name, lower(tg_op)
            using
                errcode = 'restrict_violation',
                hint = 'A correction or a deletion is a new version of the event.';
    end
    $$
"""  # a constant of this module

CREATE_TRIGGERS: Final[tuple[LiteralString, ...]] = (
    """
    create trigger history_is_append_only before update or delete on raw.events
    for each row execute function raw.refuse_to_change_history()
    """,
    """
    create trigger history_is_append_only before update or delete on raw.event_keys
    for each row execute function raw.refuse_to_change_history()
    """,
)
