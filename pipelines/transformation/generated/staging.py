"""Staging: one view per event type, with every field of its payload as a typed column."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from aurora.events.catalogue import EVENT_TYPES, EventType
from pipelines.transformation.generated.texts import described, indented, sql_file, unique_rows, yaml_file

SOURCE: Final = "aurora/events/catalogue.py"

# Column → type and meaning. The columns that every event has, beside its payload.
ENVELOPE: Final[dict[str, tuple[str, str]]] = {
    "user_id": ("uuid", "The person."),
    "event_id": ("uuid", "The event; its versions share it."),
    "version": ("integer", "Version of the event, the highest counts."),
    "started_at": ("timestamptz", "Instant at which it began."),
    "ended_at": ("timestamptz", "Instant at which it ended; null for what has no end."),
    "tz": ("text", "IANA name of the person's time zone at the event."),
    "local_date": ("date", "Local day that it belongs to."),
    "local_started_at": ("timestamp", "Wall-clock time of its start."),
    "local_ended_at": ("timestamp", "Wall-clock time of its end."),
    "day_started_at": ("timestamptz", "Instant at which the local day began."),
    "precision": ("text", "`instant`, or `day` where the source knows only the date."),
    "source_name": ("text", "Where it comes from."),
    "modality": ("text", "`sensed` or `self_reported`."),
    "form_id": ("text", "Questionnaire that it was answered in, if any."),
    "is_deleted": ("boolean", "Whether this version deletes the event."),
    "known_at": ("timestamptz", "Instant at which this version became known."),
    "alive_from": ("timestamptz", "Instant from which this version can be seen."),
    "alive_until": ("timestamptz", "Instant from which a later version hides it, else infinity."),
    "first_available_at": ("timestamptz", "Instant from which any version of the event could be seen."),
}

_TYPES: Final = {
    "number": "float8",
    "integer": "integer",
    "boolean": "boolean",
    "string": "text",
    "array": "jsonb",
}


def model_name(kind: EventType) -> str:
    return f"stg_events__{kind.noun}"


def staging_files() -> dict[str, str]:
    """Path below `models/` → text."""
    files = {f"staging/{model_name(kind)}.sql": _view(kind) for kind in EVENT_TYPES.values()}
    files["staging/stg_events__types.yml"] = yaml_file(
        SOURCE, [_entry(kind) for kind in EVENT_TYPES.values()]
    )
    return files


def _fields(kind: EventType) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Name, SQL type and JSON Schema of each field of the payload."""
    for name, schema in kind.json_schema.get("properties", {}).items():
        types = [schema.get("type"), *(choice.get("type") for choice in schema.get("anyOf", []))]
        yield name, next(_TYPES[kind] for kind in types if kind in _TYPES), schema


def _view(kind: EventType) -> str:
    columns = [*ENVELOPE, *(_column(*field) for field in _fields(kind))]
    text = f"""
with

events as (

    select * from {{{{ ref('stg_events') }}}}
    where type = '{kind.name}'

),

typed as (

    select
{indented(columns, 8)}

    from events

)

select * from typed
"""
    return sql_file(model_name(kind), SOURCE, text)


def _column(name: str, sql_type: str, schema: dict[str, Any]) -> str:
    if sql_type == "jsonb":
        return f"payload -> '{name}' as {name}"
    column = f"(payload ->> '{name}')::{sql_type}"
    if sql_type == "boolean" and schema.get("default") is False:
        return f"coalesce({column}, false) as {name}"
    return f"{column} as {name}"


def _entry(kind: EventType) -> dict[str, Any]:
    envelope = [described(name, *told) for name, told in ENVELOPE.items()]
    fields = [
        described(name, sql_type, schema.get("description") or f"Payload field `{name}`.")
        for name, sql_type, schema in _fields(kind)
    ]
    return {
        "name": model_name(kind),
        "description": f"{kind.description} All versions, typed. One row per version of an event.",
        "columns": envelope + fields,
        "data_tests": [
            unique_rows(model_name(kind), ["user_id", "event_id", "version"], "stg_touched_days", of_log=True)
        ],
    }
