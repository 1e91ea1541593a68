"""Scores: one incremental table per score, from the kernel's three SQL steps over its declared inputs."""

from __future__ import annotations

from typing import Any, Final

from aurora.features.sql import widest
from aurora.features.windows import Window
from aurora.scores.bedtime import USUAL_BEDTIME_DAYS, deviation_minutes_sql, minutes_after_noon_sql
from aurora.scores.catalogue import SCORES
from aurora.scores.specification import Input, NightColumn, PartScore, ScoredDays, ScoreSpec
from aurora.scores.sql import judgement_sql, points_sql, score_columns_sql
from pipelines.transformation.generated.texts import (
    MARK,
    described,
    indented,
    not_null,
    one_line,
    sql_file,
    unique_rows,
    yaml_file,
)

SOURCE: Final = "aurora/scores/catalogue.py"
GRAIN: Final = "One row per user per local day."

_STATES: Final = "`SCORED`, `CALIBRATING` (too few days yet) or `UNSCORABLE` (too little is known)."
COLUMNS: Final = (
    described("user_id", "uuid", "The person.", **not_null()),
    described("local_date", "date", "The local day.", **not_null()),
    described("score", "float8", "0 to 100; null unless the state is SCORED."),
    described("score_state", "text", _STATES, **not_null()),
    described(
        "coverage",
        "float8",
        "Share of the weights that could be judged. Missing is never zero.",
        **not_null(),
    ),
    described(
        "factors",
        "jsonb",
        "What it is made of: name, value, unit, goal, points, weight and contribution of each factor.",
        **not_null(),
    ),
    described("version", "integer", "Version of the formula; histories of two must not mix.", **not_null()),
    described(
        "as_of", "timestamptz", "End of the local day: the score is of the day as a whole.", **not_null()
    ),
)


def model_name(spec: ScoreSpec) -> str:
    return f"daily_{spec.name}_scores"


def score_files() -> dict[str, str]:
    """Path below `models/` → text."""
    files = {f"scores/{model_name(spec)}.sql": _score_sql(spec) for spec in SCORES.values()}
    files["scores/_scores.yml"] = yaml_file(SOURCE, [_entry(spec) for spec in SCORES.values()])
    return files


def bedtime_macros() -> str:
    """The kernel's bedtime arithmetic, for the handwritten model of nights."""
    return f"""\
{{# {MARK} from aurora/scores/bedtime.py; do not edit. #}}
{{% macro bedtime_minutes_after_noon(local_started_at) -%}}
    {minutes_after_noon_sql("{{ local_started_at }}")}
{{%- endmacro %}}

{{% macro bedtime_deviation_minutes(bedtime, usual, nights) -%}}
    {deviation_minutes_sql("{{ bedtime }}", "{{ usual }}", "{{ nights }}")}
{{%- endmacro %}}

{{% macro usual_bedtime_days() %}}{USUAL_BEDTIME_DAYS}{{% endmacro %}}
"""


def _days_model(spec: ScoreSpec) -> str:
    """Days of a score that a change reaches: a score of scores looks back over its parts' own windows."""
    of_scores = any(isinstance(entry.source, PartScore | ScoredDays) for entry in spec.inputs)
    return "int_rescored_days" if of_scores else "int_rebuilt_days"


def _score_sql(spec: ScoreSpec) -> str:
    days = _days_model(spec)
    parts = [entry.source.score for entry in spec.inputs if isinstance(entry.source, PartScore)]
    imports = "".join(
        f"{part} as (\n\n    select * from {{{{ ref('daily_{part}_scores') }}}}\n\n),\n\n" for part in parts
    )
    if any(isinstance(entry.source, NightColumn) for entry in spec.inputs):
        imports += "nights as (\n\n    select * from {{ ref('int_nights') }}\n\n),\n\n"
    columns = ["moments.user_id", "moments.local_date", "moments.day_ended_at as as_of"]
    columns += [_input_sql(entry) for entry in spec.inputs]
    steps = [
        ("points", "inputs", ["inputs.*", *_aliased(points_sql(spec))]),
        ("judged", "points", ["points.*", *_aliased(judgement_sql(spec))]),
        ("scores", "judged", ["user_id", "local_date", *_aliased(score_columns_sql(spec)), "as_of"]),
    ]
    ctes = ",\n\n".join(
        f"{name} as (\n\n    select\n{indented(selected, 8)}\n\n    from {source}\n\n)"
        for name, source, selected in steps
    )
    text = f"""
{{{{ day_table('{days}') }}}}

with

{imports}moments as (

    select moments.*
    from {{{{ ref('stg_user_days') }}}} as moments
    {{{{ only_days_of(ref('{days}'), 'moments') }}}}

),

inputs as (

    select
{indented(columns, 8)}

    from moments
{_joins(spec, parts)}
),

{ctes}

select * from scores
"""
    return sql_file(model_name(spec), SOURCE, text)


def _input_sql(entry: Input) -> str:
    match entry.source:
        case Window():
            return f"{entry.source.sql()} as {entry.name}"
        case NightColumn(name):
            return f"nights.{name} as {entry.name}"
        case PartScore(score):
            return f"{score}.score as {entry.name}"
        case ScoredDays():
            return f"scored_days.days::float8 as {entry.name}"


def _joins(spec: ScoreSpec, parts: list[str]) -> str:
    joins = []
    if any(isinstance(entry.source, NightColumn) for entry in spec.inputs):
        joins.append("    left join nights using (user_id, local_date)\n")
    joins += [f"    left join {part} using (user_id, local_date)\n" for part in parts]
    by_measure: dict[str, list[Window]] = {}
    for entry in spec.inputs:
        if isinstance(entry.source, Window):
            by_measure.setdefault(entry.source.measure, []).append(entry.source)
        elif isinstance(entry.source, ScoredDays):
            joins.append(_scored_days(entry.source.days, parts))
    for measure, windows in by_measure.items():
        columns = ", ".join(f"{one_line(window.aggregate_sql())} as {window.column()}" for window in windows)
        tiles = f"{{{{ tiles_of_window('{measure}', first_day={widest(windows)}, is_current=true) }}}}"
        joins.append(
            f"    cross join lateral (\n        select {columns}\n        from {tiles}\n    ) as {measure}\n"
        )
    return "".join(joins)


def _scored_days(days: int, parts: list[str]) -> str:
    scored = "\n            union\n".join(
        f"            select part.local_date from {part} as part\n"
        f"            where part.user_id = moments.user_id and part.score is not null\n"
        f"                and part.local_date between moments.local_date - {days - 1} and moments.local_date"
        for part in parts
    )
    return (
        "    cross join lateral (\n        select count(*) as days\n        from (\n"
        f"{scored}\n        ) as scored\n    ) as scored_days\n"
    )


def _aliased(columns: dict[str, str]) -> list[str]:
    return [sql if sql == name else f"{one_line(sql)} as {name}" for name, sql in columns.items()]


def _entry(spec: ScoreSpec) -> dict[str, Any]:
    name = model_name(spec)
    states = {
        "accepted_values": {
            "name": f"states_of_{name}_are_known",
            "arguments": {"values": ["SCORED", "CALIBRATING", "UNSCORABLE"]},
        }
    }
    columns = [
        {**column, "data_tests": [states]} if column["name"] == "score_state" else column
        for column in COLUMNS
    ]
    return {
        "name": name,
        "description": f"{spec.description} Version {spec.version}. {GRAIN}",
        "config": {"meta": {"sources": [source.url for source in spec.sources]}},
        "columns": columns,
        "data_tests": [
            unique_rows(name, ["user_id", "local_date"], _days_model(spec)),
            {"scores_are_bounded": {"name": f"{name}_lie_between_0_and_100"}},
        ],
    }
