"""Features: one incremental table per domain, and one view per feature set in the order of its vector."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from aurora.features.catalogue import DOMAINS, FEATURE_SETS, FEATURES, Domain, Feature, vector_names
from aurora.features.sql import windows_by_measure
from pipelines.transformation.generated.texts import (
    described,
    indented,
    not_null,
    one_line,
    sql_file,
    unique_rows,
    yaml_file,
)
from pipelines.transformation.generated.windows import KEY, windows_ctes

SOURCE: Final = "aurora/features/catalogue.py"
GRAIN: Final = "One row per user per moment (`as_of`, precision and local day)."

KEY_COLUMNS: Final = (
    described("user_id", "uuid", "The person.", **not_null()),
    described("local_date", "date", "The person's local day at the moment.", **not_null()),
    described("as_of", "timestamptz", "The moment: nothing known later is in the row.", **not_null()),
    described(
        "precision", "text", "`instant`, or `day` where no time of day is known (midnights).", **not_null()
    ),
)


def domain_model(domain: str) -> str:
    return f"moment_{domain}_features"


def set_model(feature_set: str) -> str:
    return f"moment_{feature_set}_features"


def feature_files() -> dict[str, str]:
    """Path below `models/` → text."""
    files, entries = {}, []
    for domain, meaning in DOMAINS.items():
        features = [feature for feature in FEATURES.values() if feature.domain == domain]
        if features:
            files[f"features/{domain_model(domain)}.sql"] = _domain_sql(domain, features)
            entries.append(_entry(domain_model(domain), meaning, features, days="int_rebuilt_days"))
    for name in FEATURE_SETS:
        features = [FEATURES[member] for member in vector_names(name)]
        files[f"features/{set_model(name)}.sql"] = _set_sql(name, features)
        meaning = f"The features of the {name} model, in the order of its vector"
        entries.append(_entry(set_model(name), meaning, features, days="int_rebuilt_days"))
    files["features/_features.yml"] = yaml_file(SOURCE, entries)
    return files


def _domain_sql(domain: Domain, features: list[Feature]) -> str:
    windows = windows_by_measure(features)
    columns = [f"moments.{name}" for name in KEY]
    columns += [f"{one_line(feature.formula.sql())} as {feature.name}" for feature in features]
    rows = "windows as moments" if windows else "moments"
    text = f"""
{{{{ feature_table() }}}}

with

-- Not materialized: of a table Postgres knows how many rows there are.
moments as not materialized (

    select moments.*
    from {{{{ ref('int_moments') }}}} as moments
    {{{{ only_days_of(ref('int_rebuilt_days'), 'moments') }}}}

),

{windows_ctes(windows) if windows else ""}features as (

    select
{indented(columns, 8)}

    from {rows}

)

select * from features
"""
    return sql_file(domain_model(domain), SOURCE, text)


def _set_sql(name: str, features: list[Feature]) -> str:
    domains = list(dict.fromkeys(feature.domain for feature in features))
    first, *others = domains
    columns = [f"{first}.{column}" for column in KEY]
    columns += [f"{feature.domain}.{feature.name}" for feature in features]
    imports = "\n\n".join(
        f"{domain} as (\n\n    select * from {{{{ ref('{domain_model(domain)}') }}}}\n\n),"
        for domain in domains
    )
    joins = "".join(f"    inner join {other} using ({', '.join(KEY)})\n" for other in others)
    text = f"""
{{{{ config(materialized='view') }}}}

with

{imports}

vectors as (

    select
{indented(columns, 8)}

    from {first}
{joins}
)

select * from vectors
"""
    return sql_file(set_model(name), SOURCE, text)


def _entry(name: str, meaning: str, features: Iterable[Feature], *, days: str) -> dict[str, Any]:
    return {
        "name": name,
        "description": f"{meaning}, as known at each moment. {GRAIN}",
        "columns": [*KEY_COLUMNS, *(feature_column(feature) for feature in features)],
        "data_tests": [unique_rows(name, list(KEY), days)],
    }


def feature_column(feature: Feature) -> dict[str, Any]:
    meta = {"unit": feature.unit, "owner": feature.owner, "version": feature.version}
    description = f"{feature.description} Unit: {feature.unit}."
    return described(feature.name, "float8", description, config={"meta": meta})
