"""Features for analysts: every moment of both sets, the newest vector of everybody, and what each feature means."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from aurora.features.catalogue import (
    BASELINE_INPUTS,
    FEATURE_SETS,
    FEATURES,
    FOR_ANALYSTS,
    USUAL_LEVELS,
    Feature,
    vector_names,
)
from pipelines.transformation.generated.documentation import reads
from pipelines.transformation.generated.features import (
    KEY,
    KEY_COLUMNS,
    SOURCE,
    TABLE,
    feature_column,
    set_model,
)
from pipelines.transformation.generated.texts import indented, sql_file, unique_rows, yaml_file

ANALYSTS: Final = "analysts"
"""In the place of a set: features that no model reads."""


def feature_mart_files() -> dict[str, str]:
    """Path below `models/` → text. Both sets describe their columns here, the other marts in _feature_marts.yml."""
    sets = {f"marts/{_mart(name)}.sql": _set_sql(name) for name in FEATURE_SETS}
    return {
        **sets,
        "marts/_feature_sets.yml": yaml_file(SOURCE, [_set_entry(name) for name in FEATURE_SETS]),
        "marts/feature_definitions.sql": sql_file("feature_definitions", SOURCE, _definitions_sql()),
        "marts/features_latest.sql": sql_file("features_latest", SOURCE, _latest_sql()),
    }


def _mart(feature_set: str) -> str:
    return f"{feature_set}_features"


def _set_sql(name: str) -> str:
    columns = indented([*KEY, *vector_names(name)], 8)
    text = f"""
with

features as (

    select
{columns}

    from {{{{ ref('{set_model(name)}') }}}}
    where {{{{ has_happened('as_of') }}}}

)

select * from features
"""
    return sql_file(_mart(name), SOURCE, text)


def _set_entry(name: str) -> dict[str, object]:
    return {
        "name": _mart(name),
        "description": f"The vector of the {name} model at every moment that has come, training rows included: its"
        " features, what its baseline is made of, and what is usual for the person. One row per user per"
        " moment (`as_of`, precision and local day).",
        "columns": [
            *(_key_column(column) for column in KEY_COLUMNS),
            *(feature_column(FEATURES[member]) for member in vector_names(name)),
        ],
        "data_tests": [unique_rows(_mart(name), list(KEY), "int_rebuilt_days")],
    }


def _key_column(column: Mapping[str, Any]) -> dict[str, Any]:
    """As of the features, without their constraints; analysts may see its text."""
    shown = {"config": {"meta": {"text": "code"}}} if column["data_type"] == "text" else {}
    return {key: column[key] for key in ("name", "data_type", "description")} | shown


def _definitions_sql() -> str:
    rows = ",\n".join(
        "            " + row for name in (*FEATURE_SETS, ANALYSTS) for row in _definition_rows(name)
    )
    return f"""
with

definitions as (

    select
        feature_set::text,
        position::integer,
        feature_name::text,
        role::text,
        domain::text,
        table_name::text,
        unit::text,
        description::text,
        reads::text,
        owner::text,
        version::integer

    from (
        values
{rows}
    ) as definition (
        feature_set, position, feature_name, role, domain, table_name, unit, description, reads, owner, version
    )

)

select * from definitions
"""


def _definition_rows(feature_set: str) -> Iterator[str]:
    names = sorted(FOR_ANALYSTS) if feature_set == ANALYSTS else vector_names(feature_set)
    for position, name in enumerate(names, start=1):
        feature = FEATURES[name]
        cells = (
            _text(feature_set),
            str(position),
            _text(name),
            _text(_role(feature_set, feature)),
            _text(feature.domain),
            _text(f"features.{TABLE}"),
            _text(feature.unit),
            _text(feature.description),
            _text(reads(feature).replace("`", "")),
            _text(feature.owner),
            str(feature.version),
        )
        yield f"({', '.join(cells)})"


def _role(feature_set: str, feature: Feature) -> str:
    if feature_set == ANALYSTS:
        return "analysts"
    if feature.name in BASELINE_INPUTS[feature_set]:
        return "baseline_input"
    return "usual_level" if feature.name in USUAL_LEVELS[feature_set] else "feature"


def _text(value: str) -> str:
    escaped = value.replace("'", "''")
    return f"'{escaped}'"


def _latest_sql() -> str:
    return f"""
with

users as (

    select * from {{{{ ref('users') }}}}

),

{chr(10).join(_latest_of_set(name) for name in FEATURE_SETS)}
features as (

    {f"{chr(10)}    union all{chr(10)}    ".join(f"select * from {name}_vectors" for name in FEATURE_SETS)}

)

select * from features
"""


def _latest_of_set(name: str) -> str:
    keys = ", ".join(f"'{column}'" for column in KEY)
    return f"""{name}_vectors as (

    select
        newest.user_id,
        '{name}' as feature_set,
        newest.local_date,
        newest.as_of,
        newest.precision,
        to_jsonb(newest) - array[{keys}] as features

    from users
    -- By an index, a person at a time.
    cross join lateral (
        select * from {{{{ ref('{set_model(name)}') }}}} as known
        where known.user_id = users.user_id and {{{{ has_happened('known.as_of') }}}}
        -- Of a rating and a midnight at one instant the rating: its time of day is known.
        order by known.as_of desc, known.precision desc
        limit 1
    ) as newest

),
"""
