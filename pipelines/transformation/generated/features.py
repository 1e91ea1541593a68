"""Features: one row of all of them a moment, and one view per feature set in the order of its vector.

A build computes them domain by domain, for its own moments, and puts what it has computed beside one another.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from aurora.features.catalogue import DOMAINS, FEATURE_SETS, FEATURES, Domain, Feature, vector_names
from aurora.features.sql import windows_by_measure
from pipelines.transformation.generated import knowledge
from pipelines.transformation.generated.texts import (
    described,
    indented,
    not_null,
    one_line,
    sql_file,
    unique_rows,
    yaml_file,
)
from pipelines.transformation.generated.windows import windows_ctes

SOURCE: Final = "aurora/features/catalogue.py"
TABLE: Final = "moment_features"
"""All features of all moments."""

KEY: Final = ("user_id", "local_date", "as_of", "precision")
"""Of a moment."""

GRAIN: Final = "One row per user per moment (`as_of`, precision and local day)."

# To sort wide rows for a join takes longer than to hash them, and either takes half as long again on disk.
_MANY_ROWS: Final = "set local enable_mergejoin = off; set local work_mem = '64MB'"

KEY_COLUMNS: Final = (
    described("user_id", "uuid", "The person.", **not_null()),
    described("local_date", "date", "The person's local day at the moment.", **not_null()),
    described("as_of", "timestamptz", "The moment: nothing known later is in the row.", **not_null()),
    described(
        "precision", "text", "`instant`, or `day` where no time of day is known (midnights).", **not_null()
    ),
)


def domain_model(domain: str) -> str:
    return f"int_{domain}_features"


def set_model(feature_set: str) -> str:
    return f"moment_{feature_set}_features"


def feature_files() -> dict[str, str]:
    """Path below `models/` → text."""
    windows = {domain: windows_by_measure(_features_of(domain)) for domain in DOMAINS}
    windows = {domain: by_measure for domain, by_measure in windows.items() if by_measure}
    files = {
        f"features/domains/{knowledge.CHANGES}.sql": knowledge.changes_sql(SOURCE, windows),
        f"features/domains/{knowledge.MOMENTS}.sql": knowledge.moments_sql(SOURCE, windows),
    }
    of_build = knowledge.entries(windows)
    for domain, meaning in DOMAINS.items():
        features = _features_of(domain)
        if features:
            files[f"features/domains/{domain_model(domain)}.sql"] = _domain_sql(domain, features)
            of_build.append(_domain_entry(domain, meaning, features))
    files["features/domains/_domains.yml"] = yaml_file(SOURCE, of_build)
    files[f"features/{TABLE}.sql"] = _table_sql()
    # The views have its key.
    key = {"data_tests": [unique_rows(TABLE, list(KEY), "int_rebuilt_days")]}
    entries = [_entry(TABLE, "All features", FEATURES.values()) | key]
    for name in FEATURE_SETS:
        features = [FEATURES[member] for member in vector_names(name)]
        files[f"features/{set_model(name)}.sql"] = _set_sql(name, features)
        meaning = f"The features of the {name} model, in the order of its vector"
        entries.append(_entry(set_model(name), meaning, features))
    files["features/_features.yml"] = yaml_file(SOURCE, entries)
    return files


def _features_of(domain: str) -> list[Feature]:
    return [feature for feature in FEATURES.values() if feature.domain == domain]


def _domain_sql(domain: Domain, features: list[Feature]) -> str:
    windows = windows_by_measure(features)
    columns = ["moments.user_id", "moments.moment_number"]
    columns += [f"{one_line(feature.formula.sql())} as {feature.name}" for feature in features]
    rows = "windows as moments" if windows else "moments"
    text = f"""
{{{{ config(pre_hook="{_MANY_ROWS}", post_hook='{{{{ analyze_if_grown() }}}}') }}}}

with

-- Not materialized: of a table Postgres knows how many rows there are.
moments as not materialized (

    select * from {{{{ ref('{knowledge.MOMENTS}') }}}}

),

{windows_ctes(domain, windows) if windows else ""}features as (

    select
{indented(columns, 8)}

    from {rows}

)

select * from features
"""
    return sql_file(domain_model(domain), SOURCE, text)


def _table_sql() -> str:
    domains = list(dict.fromkeys(feature.domain for feature in FEATURES.values()))
    columns = [f"moments.{column}" for column in KEY]
    columns += [f"{feature.domain}.{feature.name}" for feature in FEATURES.values()]
    imports = "\n\n".join(
        f"{domain} as (\n\n    select * from {{{{ ref('{domain_model(domain)}') }}}}\n\n),"
        for domain in domains
    )
    joins = "".join(f"    inner join {domain} using (moment_number)\n" for domain in domains)
    text = f"""
{{{{ config(
    materialized='incremental',
    incremental_strategy='replace_days',
    meta={{'days': 'int_rebuilt_days'}},
    indexes=[
        {{'columns': ['user_id', 'local_date', 'as_of', 'precision'], 'unique': true}},
        {{'columns': ['user_id', 'as_of']}},
    ],
    pre_hook="{_MANY_ROWS}",
    post_hook='{{{{ analyze_if_grown() }}}}',
) }}}}

with

moments as (

    select * from {{{{ ref('{knowledge.MOMENTS}') }}}}

),

{imports}

features as (

    select
{indented(columns, 8)}

    from moments
{joins}
)

select * from features
"""
    return sql_file(TABLE, SOURCE, text)


def _set_sql(name: str, features: list[Feature]) -> str:
    columns = indented([*KEY, *(feature.name for feature in features)], 8)
    text = f"""
{{{{ config(materialized='view') }}}}

with

vectors as (

    select
{columns}

    from {{{{ ref('{TABLE}') }}}}

)

select * from vectors
"""
    return sql_file(set_model(name), SOURCE, text)


def _domain_entry(domain: str, meaning: str, features: Iterable[Feature]) -> dict[str, Any]:
    name = domain_model(domain)
    return {
        "name": name,
        "description": f"{meaning}, of the moments of the last build; `moment_features` has those of all. One row per"
        " moment of the build.",
        "columns": [
            described("user_id", "uuid", "The person."),
            described("moment_number", "bigint", "The moment, as `int_rebuilt_moments` numbers it."),
            *(feature_column(feature) for feature in features),
        ],
        "data_tests": [unique_rows(name, ["moment_number"])],
    }


def _entry(name: str, meaning: str, features: Iterable[Feature]) -> dict[str, Any]:
    return {
        "name": name,
        "description": f"{meaning}, as known at each moment. {GRAIN}",
        "columns": [*KEY_COLUMNS, *(feature_column(feature) for feature in features)],
    }


def feature_column(feature: Feature) -> dict[str, Any]:
    meta = {"unit": feature.unit, "owner": feature.owner, "version": feature.version}
    description = f"{feature.description} Unit: {feature.unit}."
    return described(feature.name, "float8", description, config={"meta": meta})
