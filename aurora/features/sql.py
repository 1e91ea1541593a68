"""The catalogue as SQL: what `make generate` writes into the dbt project follows from these renderings.

Only scalar expressions and column lists are rendered here; where they stand in a dbt model is the business of
`pipelines.transformation`.
"""

from __future__ import annotations

from collections.abc import Iterable

from aurora.events.measures import COUNT, DAYPARTS, DURATION, Measure
from aurora.features.catalogue import Feature
from aurora.features.windows import Window

_DURATION_MINUTES = "extract(epoch from ended_at - started_at) / 60"


def measure_sql(measure: Measure) -> str:
    """The measure's scaled integer over the columns of one event; null when the event does not say it."""
    value = _field_sql(measure)
    conditions = []
    if measure.only_if:
        name = measure.only_if.removeprefix("not ")
        flag = f"coalesce((payload ->> '{name}')::boolean, false)"
        conditions.append(f"not {flag}" if measure.only_if.startswith("not ") else flag)
    if measure.daypart:
        first, last = DAYPARTS[measure.daypart]
        hour = "extract(hour from local_started_at)"
        conditions.append(f"precision = 'instant' and {hour} >= {first} and {hour} < {last}")
    scaled = f"round({value} * {measure.scale})::bigint"
    return f"case when {' and '.join(conditions)} then {scaled} end" if conditions else scaled


def _field_sql(measure: Measure) -> str:
    if measure.field == COUNT:
        return "1"
    if measure.field == DURATION:
        return _DURATION_MINUTES
    field = f"(payload ->> '{measure.field}')::numeric"
    if measure.mood_class is not None:
        return f"case when {field} is not null then ({measure.mood_class.sql(field)})::integer end"
    value = f"coalesce({field}, {_DURATION_MINUTES})" if measure.or_duration else field
    if not measure.or_sum_of:
        return value
    parts = {f"(payload ->> '{name}')::numeric": weight for name, weight in measure.or_sum_of}
    total = " + ".join(f"{weight} * coalesce({part}, 0)" for part, weight in parts.items())
    return f"case when num_nonnulls({', '.join(parts)}) > 0 then {total} else {value} end"


def windows_by_measure(features: Iterable[Feature]) -> dict[str, list[Window]]:
    """Measure → the windows that these features read of it, each once, in a stable order."""
    found: dict[str, list[Window]] = {}
    for feature in features:
        for window in feature.windows:
            windows = found.setdefault(window.measure, [])
            if window not in windows:
                windows.append(window)
    return found


def widest(windows: Iterable[Window]) -> int:
    """How many days before the row's own the widest of these windows begins."""
    return max(window.last_day for window in windows)
