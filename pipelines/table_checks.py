"""Checks that every table has by being an asset with columns: no entry is to be made here for a new one.

- `columns_are_those_of_the_contract`: what Postgres has against what the asset's definition says; of tables that
  others than dbt read.
- `row_count_is_as_usual`: rows now against the median of the last materializations; of what dbt stores, and of marts.
- `column_schema_change`: Dagster's own, the last materialization against the one before; of marts.
"""

# Without postponed annotations: Dagster reads those of a check as it is defined.
from collections.abc import Iterable, Iterator, Mapping, Sequence
from statistics import median
from typing import Any, Final

import dagster as dg
import psycopg

from pipelines.asset_defaults import columns_of
from pipelines.quality import ERROR, WARN, promise
from pipelines.resources import PostgresResource

CONTRACT: Final = "columns_are_those_of_the_contract"
ROW_COUNT: Final = "row_count_is_as_usual"

HISTORY: Final = 10
FEWEST_COUNTS: Final = 5
FEWEST_ROWS: Final = 100
TIMES: Final = 2.0
"""More than so many times the median, or less than the median through this, is odd."""

READ_BY_OTHERS: Final = frozenset({"features", "scores", "marts"})
"""Schemas whose columns somebody outside dbt relies on. Dagster writes a row for each evaluation: not more of them."""

_UNKNOWN: Final = "?"
_MADE_AS: Final = "dagster-dbt/materialization_type"

# By way of regtype a type has one name however it was written: timestamptz, TIMESTAMP WITH TIME ZONE.
_FOUND: Final = """
    select
        namespaces.nspname || '.' || tables.relname,
        array_agg(columns.attname::text),
        array_agg(columns.atttypid::regtype::text)
    from pg_attribute as columns
    inner join pg_class as tables on columns.attrelid = tables.oid
    inner join pg_namespace as namespaces on tables.relnamespace = namespaces.oid
    where
        columns.attnum > 0
        and not columns.attisdropped
        and namespaces.nspname || '.' || tables.relname = any(%s)
    group by 1
"""


def table_checks(assets: Iterable[dg.AssetsDefinition]) -> list[dg.AssetChecksDefinition]:
    """The checks of all tables among these assets.

    Those of what one step makes are one step as well. A step that checked tables of two steps, of which one waits
    for the other, would be a circle; Dagster then cuts every step in two that it can, the build of the warehouse
    among them, and half a warehouse is no build.
    """
    checks = []
    for asset in assets:
        tables = {spec.key: spec for spec in asset.specs if columns_of(spec)}
        if not tables:
            continue
        is_dbts = any("dbt" in spec.kinds for spec in tables.values())
        step = asset.op.name
        if not is_dbts:
            # A log with other columns than the code writes and reads would be built from.
            checks.append(_contract_check(f"contracts_of_{step}", tables, blocking=True))
            continue
        read = {key: spec for key, spec in tables.items() if key.path[0] in READ_BY_OTHERS}
        marts = [key for key in tables if key.path[0] == "marts"]
        counted = [
            key for key, spec in tables.items() if key in marts or spec.metadata.get(_MADE_AS) != "view"
        ]
        # dbt's own contracts stop a build already: this finds what was changed by hand afterwards.
        checks += [_contract_check(f"contracts_of_{step}", read, blocking=False)] if read else []
        checks += [_row_count_check(f"row_counts_of_{step}", counted)] if counted else []
        checks += dg.build_column_schema_change_checks(assets=marts, severity=WARN) if marts else []
    return checks


def _contract_check(
    name: str, tables: Mapping[dg.AssetKey, dg.AssetSpec], *, blocking: bool
) -> dg.AssetChecksDefinition:
    @dg.multi_asset_check(
        name=name,
        can_subset=True,
        specs=[
            dg.AssetCheckSpec(
                CONTRACT,
                asset=key,
                blocking=blocking,
                description="The table has the columns that its definition says, of the types that it says.",
                metadata=promise(
                    ERROR,
                    "Somebody changed the table by hand, or a migration is missing: `aurora migrate` for tables "
                    "of Alembic's, `aurora build --full` for dbt's.",
                ),
            )
            for key in tables
        ],
    )
    def check(
        context: dg.AssetCheckExecutionContext, postgres: PostgresResource
    ) -> Iterator[dg.AssetCheckResult]:
        """What Postgres has, beside what the definitions say."""
        asked = [key.asset_key for key in context.selected_asset_check_keys]
        with postgres.connect() as connection:
            found = read_columns(connection, [".".join(key.path) for key in asked])
            wanted = {key: _wanted(connection, tables[key]) for key in asked}
        for key in asked:
            problems = compare_columns(wanted[key], found.get(".".join(key.path)))
            yield dg.AssetCheckResult(
                asset_key=key,
                check_name=CONTRACT,
                passed=not problems,
                severity=ERROR,
                description="; ".join(problems) or None,
                metadata={"columns": len(wanted[key])},
            )

    return check


def read_columns(connection: psycopg.Connection[Any], addresses: Sequence[str]) -> dict[str, dict[str, str]]:
    """`schema.table` → column → type, of those that there are."""
    rows = connection.execute(_FOUND, (list(addresses),)).fetchall()
    return {address: dict(zip(names, kinds, strict=True)) for address, names, kinds in rows}


def _wanted(connection: psycopg.Connection[Any], spec: dg.AssetSpec) -> dict[str, str]:
    columns = columns_of(spec)
    kinds = sorted({column.type for column in columns if column.type != _UNKNOWN})
    rows = connection.execute(
        "select kind, kind::regtype::text from unnest(%s::text[]) as kind", (kinds,)
    ).fetchall()
    name_of = dict(rows)
    return {column.name: name_of.get(column.type, _UNKNOWN) for column in columns}


def compare_columns(wanted: Mapping[str, str], found: Mapping[str, str] | None) -> list[str]:
    """What is not as it should be, in words."""
    if found is None:
        return ["there is no such table"]
    missing = [f"{name} is missing" for name in wanted if name not in found]
    added = [f"{name} is in no definition" for name in found if name not in wanted]
    other = [
        f"{name} is {found[name]}, not {kind}"
        for name, kind in wanted.items()
        if name in found and kind not in {_UNKNOWN, found[name]}
    ]
    return [*missing, *added, *other]


def _row_count_check(name: str, keys: Sequence[dg.AssetKey]) -> dg.AssetChecksDefinition:
    @dg.multi_asset_check(
        name=name,
        can_subset=True,
        specs=[
            dg.AssetCheckSpec(
                ROW_COUNT,
                asset=key,
                description=f"Its rows are within a factor of {TIMES:g} of the usual number.",
                metadata=promise(
                    WARN,
                    "Were many people imported or erased? Then it is right, and green again in a few builds. "
                    "If not, look at the plot of its rows and at what changed in its SQL.",
                ),
            )
            for key in keys
        ],
    )
    def check(context: dg.AssetCheckExecutionContext) -> Iterator[dg.AssetCheckResult]:
        """The newest materialization beside the ones before."""
        for check_key in context.selected_asset_check_keys:
            counts = _counts(context.instance, check_key.asset_key)
            odd = judge_counts(counts)
            yield dg.AssetCheckResult(
                asset_key=check_key.asset_key,
                check_name=ROW_COUNT,
                passed=odd is None,
                severity=WARN,
                description=odd,
                metadata={"counts compared": len(counts)},
            )

    return check


def _counts(instance: dg.DagsterInstance, key: dg.AssetKey) -> list[int]:
    """Rows at the last materializations, the newest first; none where that was too dear to count."""
    records = instance.fetch_materializations(key, limit=HISTORY + 1).records
    counts = []
    for place, record in enumerate(records):
        metadata = record.asset_materialization.metadata if record.asset_materialization else {}
        if "dagster/row_count" in metadata:
            counts.append(int(str(metadata["dagster/row_count"].value)))
        elif place == 0:
            return []
    return counts


def judge_counts(counts: Sequence[int]) -> str | None:
    """What is odd about the newest of these counts, None when nothing is."""
    now, before = counts[0] if counts else 0, counts[1:]
    if len(before) < FEWEST_COUNTS or max(median(before), now) < FEWEST_ROWS:
        return None
    usual = median(before)
    if usual / TIMES <= now <= usual * TIMES:
        return None
    return f"{now:,} rows, usually {usual:,.0f}"
