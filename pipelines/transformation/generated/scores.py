"""Scores: one incremental table per score, and the view of all of them.

A score follows from `aurora/scores/`: where its inputs come from, and its three steps of SQL.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from aurora.features.windows import Window
from aurora.scores.catalogue import SCORES
from aurora.scores.specification import Input, NightColumn, PartScore, ScoredDays, ScoreSpec
from aurora.scores.sql import judgement_sql, points_sql, score_columns_sql
from pipelines.transformation.generated.texts import (
    described,
    indented,
    not_null,
    one_line,
    sql_file,
    unique_rows,
    yaml_file,
)

SOURCE: Final = "aurora/scores/catalogue.py"
KEY: Final = ("user_id", "local_date")

_RULES: Final = (
    "score between 0 and 100",
    "(score is not null) = (score_state = 'SCORED')",
    "coverage between 0 and 1",
)
"""What Postgres refuses to store otherwise."""


def score_model(score: str) -> str:
    return f"daily_{score}_scores"


def score_files() -> dict[str, str]:
    """Path below `models/` → text."""
    files = {f"scores/{score_model(spec.name)}.sql": _score_sql(spec) for spec in SCORES.values()}
    files["scores/_scores.yml"] = yaml_file(SOURCE, [_entry(spec) for spec in SCORES.values()])
    files["marts/scores.sql"] = _mart_sql()
    return files


def _days_of(spec: ScoreSpec) -> str:
    """The model of the days that a change reaches: further where a score counts the scored days of others."""
    counts_days = any(isinstance(entry.source, ScoredDays) for entry in spec.inputs)
    return "int_rescored_days" if counts_days else "int_rebuilt_days"


def _score_sql(spec: ScoreSpec) -> str:
    days = _days_of(spec)
    inputs = [_input_sql(entry) for entry in spec.inputs]
    known = ", ".join(["user_days.day_started_at", *_known_at(spec)])
    columns = [*KEY, *_named(score_columns_sql(spec)), "as_of", "tz"]
    text = f"""
{{{{ config(
    materialized='incremental',
    incremental_strategy='replace_days',
    meta={{'days': '{days}'}},
    indexes=[{{'columns': ['user_id', 'local_date'], 'unique': true}}],
    post_hook='analyze {{{{ this }}}}',
) }}}}

with

user_days as (

    select user_days.*
    from {{{{ ref('int_days') }}}} as user_days
    {{{{ only_days_of(ref('{days}'), 'user_days') }}}}

),

inputs as (

    select
        user_days.user_id,
        user_days.local_date,
        user_days.tz,
        greatest({known}) as as_of,
{indented(inputs, 8)}

    from user_days
{_joins(spec)}
),

points as (

    select
        *,
{indented(_named(points_sql(spec)), 8)}

    from inputs

),

judged as (

    select
        *,
{indented(_named(judgement_sql(spec)), 8)}

    from points

),

scores as (

    select
{indented(columns, 8)}

    from judged

)

select * from scores
"""
    return sql_file(score_model(spec.name), SOURCE, text)


def _named(columns: Mapping[str, str]) -> list[str]:
    return [name if sql == name else f"{one_line(sql)} as {name}" for name, sql in columns.items()]


def _input_sql(entry: Input) -> str:
    match entry.source:
        case Window() as window:
            return f"{window.measure}.{entry.name}"
        case NightColumn(name):
            return f"nights.{name}" if name == entry.name else f"nights.{name} as {entry.name}"
        case PartScore(score):
            return f"{score}.score as {entry.name}"
        case ScoredDays():
            return f"scored_days.{entry.name}"


def _windows(spec: ScoreSpec) -> dict[str, dict[str, Window]]:
    """Measure → the windows that the score reads of it, by the name of the input."""
    found: dict[str, dict[str, Window]] = {}
    for entry in spec.inputs:
        if isinstance(entry.source, Window):
            found.setdefault(entry.source.measure, {})[entry.name] = entry.source
    return found


def _parts(spec: ScoreSpec) -> list[str]:
    return [entry.source.score for entry in spec.inputs if isinstance(entry.source, PartScore)]


def _reads_nights(spec: ScoreSpec) -> bool:
    return any(isinstance(entry.source, NightColumn) for entry in spec.inputs)


def _known_at(spec: ScoreSpec) -> list[str]:
    """When each input became known; `greatest` passes over nulls."""
    return [
        *(f"{measure}.known_at" for measure in _windows(spec)),
        *(["nights.known_at"] if _reads_nights(spec) else []),
        *(f"{score}.as_of" for score in _parts(spec)),
    ]


def _joins(spec: ScoreSpec) -> str:
    joins = [_window_join(measure, windows) for measure, windows in _windows(spec).items()]
    if _reads_nights(spec):
        joins.append(_left_join("int_nights", "nights"))
    joins += [_left_join(score_model(score), score) for score in _parts(spec)]
    joins += [
        _scored_days_join(entry.name, entry.source.days, _parts(spec))
        for entry in spec.inputs
        if isinstance(entry.source, ScoredDays)
    ]
    return "".join(joins)


def _left_join(model: str, name: str) -> str:
    return (
        f"    left join {{{{ ref('{model}') }}}} as {name}\n"
        f"        on user_days.user_id = {name}.user_id and user_days.local_date = {name}.local_date\n"
    )


def _window_join(measure: str, windows: Mapping[str, Window]) -> str:
    """The windows of one measure over whole days, each in the state that is known now."""
    columns = [f"{one_line(window.aggregate_sql())} as {name}" for name, window in windows.items()]
    first_day = max(window.last_day for window in windows.values())
    return f"""    cross join lateral (
        select
{indented([*columns, "max(tiles.valid_from) as known_at"], 12)}
        from (
            select
                days_tiles.*,
                user_days.local_date - days_tiles.local_date as days_ago
            from {{{{ ref('int_tiles') }}}} as days_tiles
            where
                days_tiles.user_id = user_days.user_id
                and days_tiles.measure = '{measure}'
                and days_tiles.local_date between user_days.local_date - {first_day} and user_days.local_date
                and days_tiles.valid_until = 'infinity'
        ) as tiles
    ) as {measure}
"""


def _scored_days_join(name: str, days: int, parts: list[str]) -> str:
    selects = "\n            union\n".join(
        f"""            select {part}.local_date from {{{{ ref('{score_model(part)}') }}}} as {part}
            where
                {part}.user_id = user_days.user_id
                and {part}.local_date between user_days.local_date - {days - 1} and user_days.local_date
                and {part}.score_state = 'SCORED'"""
        for part in parts
    )
    return f"""    cross join lateral (
        select count(*)::float8 as {name}
        from (
{selects}
        ) as days_of_parts
    ) as scored_days
"""


def _mart_sql() -> str:
    rest = ["score", "score_state", "coverage", "factors", "version", "as_of", "tz"]
    columns = {name: [*KEY, f"'{name}' as score_name", *rest] for name in SCORES}
    selects = "\n\n    union all\n\n".join(
        f"    select\n{indented(columns[name], 8)}\n\n    from {{{{ ref('{score_model(name)}') }}}}"
        for name in SCORES
    )
    return sql_file("scores", SOURCE, f"with\n\nscores as (\n\n{selects}\n\n)\n\nselect * from scores")


def _entry(spec: ScoreSpec) -> dict[str, Any]:
    name = score_model(spec.name)
    meaning = f"The {spec.name} score, version {spec.version}. {spec.description}"
    return {
        "name": name,
        "description": f"{meaning} One row per user per local day.",
        "constraints": [{"type": "check", "expression": rule} for rule in _RULES],
        "columns": _columns(),
        "data_tests": [unique_rows(name, list(KEY), _days_of(spec))],
    }


def _columns() -> list[dict[str, Any]]:
    states = "`SCORED`, `CALIBRATING` (too little history yet) or `UNSCORABLE` (the day does not say enough)."
    factors = (
        "One object a factor: name, value, unit, goal, points, weight, contribution; missing ones have nulls."
    )
    as_of = "Instant at which the newest of its inputs became known; the day's beginning when there are none."
    return [
        described("user_id", "uuid", "The person.", **not_null()),
        described("local_date", "date", "The person's local day.", **not_null()),
        described("score", "float8", "0 to 100; there when, and only when, the state is `SCORED`."),
        described("score_state", "text", states, **not_null()),
        described("coverage", "float8", "Share of the weights that could be judged, 0 to 1.", **not_null()),
        described("factors", "jsonb", factors, **not_null()),
        described("version", "integer", "Version of the formula.", **not_null()),
        described("as_of", "timestamptz", as_of, **not_null()),
        described("tz", "text", "IANA name of the person's time zone on that day.", **not_null()),
    ]
