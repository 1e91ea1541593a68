"""Values: what one cell, or a few, say about one payload field, one time or one condition.

Pure. Missing is None; what is there but cannot be read is a CellUnreadableError, whose message names the
column and the rule, so that the person can repair the file.
"""

from __future__ import annotations

import math
from collections.abc import Mapping as Row
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from aurora import clock
from pipelines.ingestion.errors import IngestionError
from pipelines.ingestion.mapping import Condition, FieldSource, Mapping, TimeSource
from pipelines.ingestion.units import convert_unit

Cells = Row[str, Any]
_YEARS = range(1900, 2101)
"""Others are typing errors, and their borders overflow."""

MAX_WORDS = 20
"""So many labels has an event at most; an entry with more keeps the first ones."""

Value = str | float | int | bool | list[str]


class CellUnreadableError(IngestionError):
    """One cell cannot be read as what the mapping says it is."""


def text_of(cells: Cells, column: str, mapping: Mapping) -> str | None:
    """The text of a cell, or None when it is empty or one of the mapping's null values."""
    cell = cells.get(column)
    if cell is None:
        return None
    text = cell.strip() if isinstance(cell, str) else str(cell)
    return None if text in mapping.null_values else text


def number_of(cells: Cells, column: str, mapping: Mapping) -> float | None:
    """The number in a cell."""
    text = text_of(cells, column, mapping)
    if text is None:
        return None
    if text in {"True", "true", "False", "false"}:
        return float(text in {"True", "true"})
    written = text.replace(",", ".") if mapping.decimal_comma else text
    try:
        number = float(written)
    except ValueError:
        raise CellUnreadableError(f"{column} is {text!r}, which is not a number") from None
    # float() also reads "1_000", which no export means.
    if not math.isfinite(number) or "_" in written:
        raise CellUnreadableError(f"{column} is {text!r}, which is not a number")
    return number


def field_value(cells: Cells, source: FieldSource, kind: str, mapping: Mapping) -> Value | None:
    """The value of one payload field of JSON type `kind`, or None when the row does not say it."""
    if source.value is not None:
        return source.value
    if source.labels is not None or source.separator is not None:
        return _listed(cells, source, mapping) or None
    if source.lookup is not None or kind in {"string", "boolean"}:
        return _worded(cells, source, kind, mapping)
    number = _measured(cells, source, mapping)
    return None if number is None else _converted(number, source, kind)


def _converted(number: float, source: FieldSource, kind: str) -> float | int:
    where = source.column or " + ".join(source.columns)
    if source.scale is not None:
        low, high = source.scale.from_
        if not source.scale.scale.contains(number):
            raise CellUnreadableError(f"{where} is {number:g}, outside its scale {low:g} to {high:g}")
        number = source.scale.scale.convert(number)
    if source.unit is not None:
        number = convert_unit(number, source.unit)
    if kind == "integer":
        if not number.is_integer():
            raise CellUnreadableError(f"{where} is {number:g}, which is not a whole number")
        return int(number)
    return number


def holds(cells: Cells, condition: Condition, mapping: Mapping) -> bool:
    """Whether a row fulfils all that a condition says."""

    def present(column: str) -> bool:
        return text_of(cells, column, mapping) is not None

    def positive(column: str) -> bool:
        return (number_of(cells, column, mapping) or 0) > 0

    return (
        all(map(present, condition.present))
        and not any(map(present, condition.absent))
        and all(map(positive, condition.positive))
        and (not condition.any_present or any(map(present, condition.any_present)))
        and (not condition.any_positive or any(map(positive, condition.any_positive)))
        and all(text_of(cells, column, mapping) == text for column, text in condition.equals.items())
    )


def time_of(cells: Cells, source: TimeSource, tz: str, mapping: Mapping) -> datetime | None:
    """The time in the cells of `source`: aware as written, or local to `tz`; None when a cell is empty."""
    texts = [text_of(cells, column, mapping) for column in source.named]
    if None in texts:
        return None
    text = " ".join(text for text in texts if text is not None)
    for written in source.formats:
        try:
            time = _parsed(text, written)
        except (ValueError, OverflowError, OSError):
            continue
        if time.year not in _YEARS:
            raise CellUnreadableError(f"{' + '.join(source.named)} is {text!r}: no year of a life on record")
        return time if time.tzinfo else time.replace(tzinfo=clock.zone(tz))
    where, forms = " + ".join(source.named), " or ".join(source.formats)
    raise CellUnreadableError(f"{where} is {text!r}, which is not a time in the form {forms}")


@lru_cache(maxsize=10_000)
def _parsed(text: str, written: str) -> datetime:
    if written == "iso":
        return datetime.fromisoformat(text)
    if written == "unix_s":
        return datetime.fromtimestamp(float(text), UTC)
    if written == "unix_ms":
        return datetime.fromtimestamp(float(text) / 1000, UTC)
    return datetime.strptime(text, written)  # noqa: DTZ007  # the zone is the mapping's, added by the caller


def _measured(cells: Cells, source: FieldSource, mapping: Mapping) -> float | None:
    if source.column is not None:
        return number_of(cells, source.column, mapping)
    if source.sum is not None:
        parts = [number_of(cells, column, mapping) for column in source.sum]
        stated = [part for part in parts if part is not None]
        return sum(stated) if stated else None
    scores = [
        score
        for column, score in (source.mean_of_flags or {}).items()
        if number_of(cells, column, mapping) == 1
    ]
    return sum(scores) / len(scores) if scores else None


def _listed(cells: Cells, source: FieldSource, mapping: Mapping) -> list[str]:
    if source.labels is not None:
        return [label for column, label in source.labels.items() if number_of(cells, column, mapping) == 1]
    text = text_of(cells, source.column or "", mapping) or ""
    words = [word.strip() for word in text.split(source.separator) if word.strip()]
    return list(dict.fromkeys(words))[:MAX_WORDS]


def _worded(cells: Cells, source: FieldSource, kind: str, mapping: Mapping) -> Value | None:
    text = text_of(cells, source.column or "", mapping)
    if text is None:
        return None
    if source.lookup is not None:
        if text not in source.lookup:
            raise CellUnreadableError(
                f"{source.column} is {text!r}; the mapping knows {', '.join(source.lookup)}"
            )
        return source.lookup[text]
    if kind == "boolean":
        return number_of(cells, source.column or "", mapping) == 1
    return text
