"""Mappings: how the columns of a file become events, as data. `mappings/*.yaml` are instances.

To read a new source, write one more YAML file; nothing downstream changes. `docs/ingestion.md` explains each
key by example. What a mapping says is checked against the event catalogue when it is loaded.
"""

from __future__ import annotations

import re
from datetime import timedelta
from functools import cached_property
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from aurora import clock
from aurora.events.catalogue import event_type
from aurora.events.envelope import Modality
from pipelines.ingestion.units import UNITS, Scale, dimension_of_field

END_OF_DAY = "end_of_day"
TEMPLATE_WORDS = frozenset({"day", "started_at", "local_started_at"})
PLACEHOLDER = re.compile(r"\{([^{}]+)\}")
_LAG = re.compile(r"^(\d+(?:\.\d+)?)\s*(min|h|d)$")
_LAG_UNITS = {"min": "minutes", "h": "hours", "d": "days"}


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


def _lag(value: object) -> object:
    if isinstance(value, timedelta) or value == END_OF_DAY:
        return value
    match = _LAG.match(str(value).strip())
    if match is None:
        raise ValueError("a lag is a number with min, h or d, e.g. 8h, or end_of_day")
    return timedelta(**{_LAG_UNITS[match[2]]: float(match[1])})


def _one_column(value: object) -> object:
    return {"column": value} if isinstance(value, str) else value


def _columns(value: object) -> object:
    return (value,) if isinstance(value, str) else value


Lag = Annotated[timedelta | Literal["end_of_day"], BeforeValidator(_lag)]
Range = tuple[float, float]
Columns = Annotated[tuple[str, ...], BeforeValidator(_columns)]


class LinearScale(_Part):
    """`{from: [1, 5], to: [10, 0]}`: 1 becomes 10 and 5 becomes 0, linearly; outside `from` is an error."""

    from_: Range = Field(alias="from")
    to: Range

    @model_validator(mode="after")
    def _has_a_width(self) -> Self:
        if self.from_[0] >= self.from_[1]:
            raise ValueError("`from` goes from low to high; turn `to` around for an inverted scale")
        return self

    @cached_property
    def scale(self) -> Scale:
        return Scale(*self.from_, *self.to)


class FieldSource(_Part):
    """Where one payload field comes from: exactly one of column, value, sum, mean_of_flags, labels."""

    column: str | None = None
    value: str | float | bool | None = None
    sum: tuple[str, ...] | None = Field(None, description="Columns added up; missing when all are")
    mean_of_flags: dict[str, float] | None = Field(None, description="Mean score of the columns that are 1")
    labels: dict[str, str] | None = Field(None, description="Labels of the columns that are 1")
    unit: str | None = None
    separator: str | None = Field(None, description="Between the words of the column: they become a list")
    scale: LinearScale | None = None
    lookup: dict[str, str | float | bool] | None = Field(None, description="Text of the source → our value")

    @model_validator(mode="after")
    def _says_one_thing(self) -> Self:
        ways = (self.column, self.value, self.sum, self.mean_of_flags, self.labels)
        if sum(way is not None for way in ways) != 1:
            raise ValueError("say exactly one of column, value, sum, mean_of_flags, labels")
        if self.unit is not None and self.unit not in UNITS:
            raise ValueError(f"the unit {self.unit!r} is not known; known: {', '.join(UNITS)}")
        return self

    @property
    def columns(self) -> tuple[str, ...]:
        named = (self.column,) if self.column else ()
        return (*named, *(self.sum or ()), *(self.mean_of_flags or ()), *(self.labels or ()))


Source = Annotated[FieldSource, BeforeValidator(_one_column)]


class TimeSource(_Part):
    """A date or a time: one column, or several joined by a space, and the formats in which it is written.

    A format is a strptime format, `iso`, `unix_s` or `unix_ms`. Without an offset it is local time.
    """

    column: str | None = None
    columns: tuple[str, ...] = ()
    formats: tuple[str, ...] = ("iso",)

    @model_validator(mode="before")
    @classmethod
    def _single_format(cls, value: Any) -> Any:
        if isinstance(value, str):
            return {"column": value}
        if isinstance(value, dict) and "format" in value:
            value = {**value, "formats": [value["format"]]}
            del value["format"]
        return value

    @model_validator(mode="after")
    def _names_a_column(self) -> Self:
        if bool(self.column) == bool(self.columns):
            raise ValueError("name one `column`, or several `columns` that together make the time")
        return self

    @property
    def named(self) -> tuple[str, ...]:
        return (self.column,) if self.column else self.columns


class RowFacts(_Part):
    """Columns in which a row says of itself what the mapping else says of all rows. An empty cell says nothing."""

    recorded_at: TimeSource | None = Field(None, description="When the source recorded it: known_at")
    zone: str | None = Field(None, description="IANA zone of where it happened")
    source: str | None = Field(None, description="`source.name` of its events; their keys keep the mapping's")
    device: str | None = None
    modality: str | None = None
    elapsed_ms: str | None = Field(
        None, description="How long it took, also in the hour that a clock repeats"
    )

    @property
    def columns(self) -> tuple[str, ...]:
        named = (self.zone, self.source, self.device, self.modality, self.elapsed_ms)
        recorded = self.recorded_at.named if self.recorded_at else ()
        return (*recorded, *(name for name in named if name))


class Condition(_Part):
    """When a row holds this event. All that is said must be true."""

    present: tuple[str, ...] = ()
    absent: tuple[str, ...] = ()
    positive: tuple[str, ...] = ()
    any_present: tuple[str, ...] = ()
    any_positive: tuple[str, ...] = ()
    equals: dict[str, str] = Field(default_factory=dict)

    @property
    def columns(self) -> tuple[str, ...]:
        listed = (self.present, self.absent, self.positive, self.any_present, self.any_positive)
        return (*(name for names in listed for name in names), *self.equals)


class Rule(_Part):
    """A row expectation, judged by Great Expectations: a row that breaks it becomes a dead letter."""

    column: str
    required: bool = False
    number: bool = False
    between: Range | None = None
    matches: str | None = Field(None, description="A POSIX regular expression, read by Postgres")
    one_of: tuple[str, ...] | None = None
    because: str | None = Field(
        None, description="What to tell the person, e.g. 'readiness runs from 1 to 10'"
    )


class EventMapping(_Part):
    """One kind of event that a row may hold."""

    name: str = Field(
        description="Distinguishes the events of one row; part of no key unless the key says so"
    )
    type: str
    key: str = Field(
        description="Natural key in this source: a template of columns, {day}, {started_at} and {local_started_at}"
    )
    day: TimeSource | None = None
    started_at: TimeSource | None = None
    ended_at: TimeSource | None = None
    only_if: Condition = Condition()
    payload: dict[str, Source] = Field(default_factory=dict)
    note: Columns = Field((), description="Columns of free text, joined by lines; stored encrypted")
    form: str | None = Field(None, description="Name of an entry of the mapping's `forms`")
    modality: Modality | None = None
    device: str | None = None
    arrival_lag: Lag | None = None

    @model_validator(mode="after")
    def _fits_the_catalogue(self) -> Self:
        fields = event_type(self.type).payload.model_fields
        if unknown := set(self.payload) - set(fields):
            raise ValueError(f"{self.type} has no field {sorted(unknown)}; it has {', '.join(fields)}")
        missing = [name for name, field in fields.items() if field.is_required() and name not in self.payload]
        if missing:
            raise ValueError(f"{self.type} needs {', '.join(missing)}")
        for field, source in self.payload.items():
            if source.unit and UNITS[source.unit][0] != dimension_of_field(field):
                raise ValueError(f"{source.unit!r} cannot become {field}: it is another kind of quantity")
        return self

    @property
    def columns(self) -> tuple[str, ...]:
        times = [time for time in (self.day, self.started_at, self.ended_at) if time]
        return (
            *(name for time in times for name in time.named),
            *(name for source in self.payload.values() for name in source.columns),
            *self.only_if.columns,
            *self.note,
            *columns_of_template(self.key),
        )


class Mapping(_Part):
    """One kind of file, and what its rows mean."""

    name: str
    title: str
    source: str = Field(description="`source.name` of the events, and part of their natural keys")
    format: Literal["csv", "tsv", "parquet", "ndjson", "apple_health", "google_takeout"] = "csv"
    encoding: Literal["utf-8", "windows-1252", "iso-8859-1", "iso-8859-15"] = "utf-8"
    separator: Annotated[str, Field(min_length=1, max_length=1)] | None = None
    decimal_comma: bool = False
    title_lines: int = Field(0, ge=0, le=20, description="Lines that may stand above the column names")
    null_values: tuple[str, ...] = ("", "NA", "N/A", "NaN", "nan", "null", "NULL", "None")
    cohort: str = "real"
    time_zone: str = "UTC"
    user: str | None = Field(None, description="Column that says whose row this is")
    day: TimeSource | None = None
    row: RowFacts = Field(default_factory=lambda: RowFacts.model_validate({}))
    modality: Modality = "self_reported"
    arrival_lag: Lag = timedelta()
    forms: dict[str, str] = Field(default_factory=dict)
    rules: tuple[Rule, ...] = ()
    max_rejected_share: float = Field(0.1, ge=0, le=1)
    events: Literal["envelope"] | tuple[EventMapping, ...]

    @model_validator(mode="after")
    def _hangs_together(self) -> Self:
        clock.zone(self.time_zone)
        if isinstance(self.events, str):
            if self.format != "ndjson":
                raise ValueError("events that come in the envelope are NDJSON")
            return self
        for event in self.events:
            if event.form and event.form not in self.forms:
                raise ValueError(
                    f"event {event.name!r} belongs to the form {event.form!r}, which is not in `forms`"
                )
            if (event.day or self.day) is None and event.started_at is None:
                raise ValueError(f"event {event.name!r} says neither a `day` nor a `started_at`")
        return self

    @property
    def is_envelope(self) -> bool:
        return self.events == "envelope"

    @property
    def is_export(self) -> bool:
        """Whether a module of `sources` makes the rows, and not the lines of a file."""
        return self.format in {"apple_health", "google_takeout"}

    @property
    def event_mappings(self) -> tuple[EventMapping, ...]:
        return () if isinstance(self.events, str) else self.events

    @property
    def delimiter(self) -> str:
        return self.separator or ("\t" if self.format == "tsv" else ",")

    @property
    def note_columns(self) -> tuple[str, ...]:
        """Where free text stands: it is never staged in the clear."""
        if self.is_envelope:
            return ("note",)
        return tuple(dict.fromkeys(name for event in self.event_mappings for name in event.note))

    @cached_property
    def columns(self) -> tuple[str, ...]:
        """Every column that is read, once, in the order of the mapping."""
        named = [
            *((self.user,) if self.user else ()),
            *(self.day.named if self.day else ()),
            *self.row.columns,
            *(rule.column for rule in self.rules),
            *(name for template in self.forms.values() for name in columns_of_template(template)),
            *(name for event in self.event_mappings for name in event.columns),
        ]
        return tuple(dict.fromkeys(named))


def columns_of_template(template: str) -> tuple[str, ...]:
    """The columns that a key or form template names; TEMPLATE_WORDS are no columns."""
    return tuple(name for name in PLACEHOLDER.findall(template) if name not in TEMPLATE_WORDS)
