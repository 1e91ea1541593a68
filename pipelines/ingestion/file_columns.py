"""The check on the columns of landed files: the newest file of a mapping beside the one before.

A column that a mapping reads and a file lacks stops that file by itself. This tells of the others: what a source
has begun to send and nobody reads, and what it has ceased to send. Judged from the staged rows, and only where
every row has the same columns, as a table's rows have: what JSON leaves out is no change.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import dagster as dg
import psycopg

from pipelines.quality import WARN, promise
from pipelines.resources import PostgresResource

IMPORT_ROWS: Final = dg.AssetKey(["raw", "import_rows"])

# The first rows of a batch tell its columns; a batch with free text has none left, and is not compared.
_COLUMNS: Final = """
with

recent as (

    select
        mapping,
        batch_id,
        file_name,
        started_at,
        row_number() over (partition by mapping order by started_at desc) as place
    from raw.import_batches as batches
    where
        state in ('done', 'held_back', 'storing')
        and exists (select from raw.import_rows as rows where rows.batch_id = batches.batch_id)

),

columns as (

    select
        recent.mapping,
        recent.place,
        recent.file_name,
        recent.started_at,
        first_rows.columns
    from recent
    cross join lateral (
        select
            min(keys.names) as columns,
            count(distinct keys.names) as variants
        from raw.import_rows as rows
        cross join lateral (select array_agg(name order by name) as names from jsonb_object_keys(rows.body) as name)
            as keys
        where rows.batch_id = recent.batch_id and rows.row_number <= 100
    ) as first_rows
    where recent.place <= 2 and first_rows.variants = 1

)

select
    newest.mapping,
    newest.file_name,
    before.file_name,
    newest.columns,
    before.columns
from columns as newest
inner join columns as before on newest.mapping = before.mapping and before.place = 2
where newest.place = 1 and newest.started_at > now() - interval '7 days'
order by newest.mapping
"""


@dataclass(frozen=True)
class ColumnChange:
    """What the newest file of a mapping has that the one before had not, and the other way round."""

    mapping: str
    file_name: str
    before: str
    added: tuple[str, ...]
    removed: tuple[str, ...]

    @property
    def is_none(self) -> bool:
        return not self.added and not self.removed


def read_column_changes(connection: psycopg.Connection[Any]) -> list[ColumnChange]:
    """Of every mapping with a file in the last week and one before it."""
    return [
        ColumnChange(
            mapping,
            file_name,
            before,
            tuple(sorted(set(columns) - set(earlier))),
            tuple(sorted(set(earlier) - set(columns))),
        )
        for mapping, file_name, before, columns, earlier in connection.execute(_COLUMNS).fetchall()
    ]


@dg.asset_check(
    asset=IMPORT_ROWS,
    metadata=promise(
        WARN,
        "Look at what the source says of its new columns, and read them in the mapping where they tell something. "
        "Green again with the next file of the same columns, or after a week.",
    ),
)
def landed_files_have_the_columns_of_the_last_ones(postgres: PostgresResource) -> dg.AssetCheckResult:
    """The newest file of each mapping has the columns of the file before it."""
    with postgres.connect() as connection:
        compared = read_column_changes(connection)
    changes = [change for change in compared if not change.is_none]
    lines = ["| mapping | file | before | new | gone |", "|---|---|---|---|---|"]
    lines += [
        f"| {change.mapping} | {_cell(change.file_name)} | {_cell(change.before)}"
        f" | {_cell(', '.join(change.added))} | {_cell(', '.join(change.removed))} |"
        for change in changes
    ]
    return dg.AssetCheckResult(
        passed=not changes,
        severity=WARN,
        metadata={
            "mappings compared": len(compared),
            "changes": dg.MetadataValue.md("\n".join(lines) if changes else "none"),
        },
    )


def _cell(text: str) -> str:
    return text.replace("|", "\\|") or "–"


FILE_CHECKS: Final = [landed_files_have_the_columns_of_the_last_ones]
