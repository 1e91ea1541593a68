"""Scores: one incremental table per score, and the view of all of them.

A score follows from `aurora/scores/`: where its inputs come from, and its three steps of SQL.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from aurora.scores.catalogue import SCORES
from aurora.scores.specification import ScoreSpec
from aurora.scores.sql import judgement_sql, points_sql, score_columns_sql
from pipelines.transformation.generated.score_inputs import (
    PARTS_MODEL,
    days_of,
    input_sql,
    joins_of,
    known_at,
    parts_cte,
    parts_of,
)
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

_COLUMNS: Final = ("score", "score_state", "coverage", "factors", "version", "as_of", "tz")

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
    files["scores/_scores.yml"] = yaml_file(
        SOURCE, [*(_entry(spec) for spec in SCORES.values()), _parts_entry()]
    )
    files[f"scores/{PARTS_MODEL}.sql"] = _parts_sql()
    files["marts/scores.sql"] = _mart_sql()
    return files


def _score_sql(spec: ScoreSpec) -> str:
    days = days_of(spec)
    inputs = [input_sql(entry) for entry in spec.inputs]
    known = ", ".join(["user_days.day_started_at", *known_at(spec)])
    columns = [*KEY, *_named(score_columns_sql(spec)), "as_of", "tz"]
    text = f"""
{{{{ config(
    materialized='incremental',
    incremental_strategy='replace_days',
    meta={{'days': '{days}'}},
    indexes=[{{'columns': ['user_id', 'local_date'], 'unique': true}}],
    post_hook='{{{{ analyze_if_grown() }}}}',
) }}}}

with

user_days as (

    select user_days.*
    from {{{{ ref('int_days') }}}} as user_days
    {{{{ only_days_of(ref('{days}'), 'user_days') }}}}

),

{parts_cte(spec) if parts_of(spec) else ""}inputs as (

    select
        user_days.user_id,
        user_days.local_date,
        user_days.tz,
        greatest({known}) as as_of,
{indented(inputs, 8)}

    from user_days
{joins_of(spec)}
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


def _selected(model: str, score_name: str) -> str:
    columns = [*KEY, score_name, *_COLUMNS]
    return f"    select\n{indented(columns, 8)}\n\n    from {{{{ ref('{model}') }}}}"


def _union(selects: list[str]) -> str:
    rows = "\n\n    union all\n\n".join(selects)
    return f"with\n\nscores as (\n\n{rows}\n\n)\n\nselect * from scores"


def _named_score(name: str) -> str:
    return _selected(score_model(name), f"'{name}' as score_name")


def _parts_sql() -> str:
    text = _union([_named_score(spec.name) for spec in SCORES.values() if not parts_of(spec)])
    return sql_file(PARTS_MODEL, SOURCE, f"{{{{ config(materialized='view') }}}}\n\n{text}")


def _mart_sql() -> str:
    composed = [_named_score(spec.name) for spec in SCORES.values() if parts_of(spec)]
    scores = _union([_selected(PARTS_MODEL, "score_name"), *composed])
    return sql_file("scores", SOURCE, f"{scores}\nwhere {{{{ has_happened('as_of') }}}}")


def _entry(spec: ScoreSpec) -> dict[str, Any]:
    name = score_model(spec.name)
    meaning = f"The {spec.name} score, version {spec.version}. {spec.description}"
    return {
        "name": name,
        "description": f"{meaning} One row per user per local day.",
        "constraints": [{"type": "check", "expression": rule} for rule in _RULES],
        "columns": _columns(),
        "data_tests": [unique_rows(name, list(KEY), days_of(spec))],
    }


def _parts_entry() -> dict[str, Any]:
    name = described("score_name", "text", "The score.", **not_null())
    user_id, local_date, *rest = _columns()
    return {
        "name": PARTS_MODEL,
        "description": (
            "Every score of a day but those that are made of other scores. One row per user per local day per score."
        ),
        "columns": [user_id, local_date, name, *rest],
        "data_tests": [unique_rows(PARTS_MODEL, [*KEY, "score_name"], "int_rebuilt_days")],
    }


def _columns() -> list[dict[str, Any]]:
    states = "`SCORED`, `CALIBRATING` (too little history yet) or `UNSCORABLE` (the day does not say enough)."
    factors = (
        "One object a factor: name, value, unit, goal, points, weight, contribution; missing ones have nulls."
    )
    as_of = (
        "Instant at which the newest of all that it read became known, or was known to be gone; the day's beginning "
        "when it read nothing."
    )
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
