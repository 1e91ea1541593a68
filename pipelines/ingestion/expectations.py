"""Expectations: Great Expectations judges the staged rows of a batch, in SQL, before any becomes an event.

A row that breaks a rule is set aside. A rule that more than `max_rejected_share` of the rows break says
something about the file, not about the rows: the whole batch is held back until somebody has looked.
"""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from psycopg import sql

from aurora.database.migrate import sqlalchemy_url
from pipelines.ingestion.data_docs import WantedDocs
from pipelines.ingestion.mapping import Mapping, Rule

NUMBER: Final = r"^\s*[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][-+]?[0-9]{1,3})?\s*$"
_AS_NUMBER: Final = " (number)"


@dataclass
class Judgement:
    """Which rows break which rule, and whether the batch may go on."""

    broken: dict[int, list[str]] = field(default_factory=lambda: defaultdict(list))
    held_back_because: str | None = None
    data_docs: Path | None = None
    """Their first page, where they were written."""


def judge(
    postgres_url: str, mapping: Mapping, batch_id: UUID, row_count: int, *, docs: WantedDocs | None = None
) -> Judgement:
    """Judge all staged rows of a batch, and write Data Docs where they are wanted."""
    judgement = Judgement()
    if not mapping.rules:
        return judgement
    limit = int(row_count * mapping.max_rejected_share)
    failed = []
    for result in _validate(postgres_url, mapping, batch_id, at_most=limit + 1):
        reason = result.expectation_config.meta["reason"]
        for row in result.result.get("unexpected_index_list") or []:
            judgement.broken[row["row_number"]].append(reason)
        if not result.success:
            count, share = result.result["unexpected_count"], result.result["unexpected_percent"]
            failed.append(f"{reason} ({count:,} rows, {share:.3g} % of those that say it)")
    if not failed and len(judgement.broken) > limit:
        failed.append(f"{len(judgement.broken):,} of {row_count:,} rows break one of several rules")
    if failed:
        judgement.held_back_because = (
            f"more than the {mapping.max_rejected_share:.0%} of rows that the mapping allows break a rule: "
            f"{'; '.join(failed)}"
        )
    if docs is not None and (judgement.held_back_because is not None or not docs.only_held_back):
        folder = docs.folder_of(batch_id)
        _validate(postgres_url, mapping, batch_id, at_most=limit + 1, docs_dir=folder)
        judgement.data_docs = folder / "index.html"
    return judgement


def reason_of(rule: Rule, test: str) -> str:
    """A rule in words, as it stands in the dead letter."""
    words = {
        "required": f"{rule.column} is empty",
        "number": f"{rule.column} is not a number",
        "between": rule.between and f"{rule.column} lies outside {rule.between[0]:g} to {rule.between[1]:g}",
        "matches": f"{rule.column} does not have the form {rule.matches}",
        "one_of": rule.one_of and f"{rule.column} is none of {', '.join(rule.one_of)}",
    }[test]
    return f"{words}: {rule.because}" if rule.because else str(words)


def _validate(
    postgres_url: str, mapping: Mapping, batch_id: UUID, *, at_most: int, docs_dir: Path | None = None
) -> list[Any]:
    """The result of each expectation, with the numbers of `at_most` rows that break it; or its Data Docs."""
    import great_expectations as gx
    from great_expectations.data_context.types.base import (
        DataContextConfig,
        InMemoryStoreBackendDefaults,
        ProgressBarsConfig,
    )

    context = gx.get_context(
        mode="ephemeral",
        project_config=DataContextConfig(
            analytics_enabled=False,
            progress_bars=ProgressBarsConfig(globally=False),
            store_backend_defaults=InMemoryStoreBackendDefaults(init_temp_docs_sites=False),
        ),
    )
    datasource = context.data_sources.add_postgres(
        name="postgres", connection_string=sqlalchemy_url(postgres_url)
    )
    try:
        rows = datasource.add_query_asset(name=mapping.name, query=_query(mapping, batch_id))
        suite = context.suites.add(
            gx.ExpectationSuite(name=mapping.name, expectations=_expectations(mapping))
        )
        definition = context.validation_definitions.add(
            gx.ValidationDefinition(
                name=f"{mapping.name} {batch_id}",
                data=rows.add_batch_definition_whole_table("all"),
                suite=suite,
            )
        )
        if docs_dir is not None:
            _write_docs(context, definition, docs_dir)
            return []
        result = definition.run(
            result_format={
                "result_format": "COMPLETE",
                "unexpected_index_column_names": ["row_number"],
                # On SQL, Great Expectations cuts the list of rows here: the default would lose all but 20.
                "partial_unexpected_count": at_most,
            }
        )
    finally:
        datasource.get_engine().dispose()
    return list(result.results)


def _expectations(mapping: Mapping) -> list[Any]:
    # Its classes are made as it is imported: a type checker does not see them.
    gxe: Any = import_module("great_expectations.expectations")
    # Few rows of an export state any one column: there only the share of all rows can hold a batch back.
    mostly = 0.0 if mapping.is_export else 1 - mapping.max_rejected_share
    expectations: list[Any] = []
    for rule in mapping.rules:

        def options(test: str, column: str, rule: Rule = rule) -> dict[str, Any]:
            return {"column": column, "mostly": mostly, "meta": {"reason": reason_of(rule, test)}}

        if rule.required:
            expectations.append(gxe.ExpectColumnValuesToNotBeNull(**options("required", rule.column)))
        if rule.number or rule.between:
            expectations.append(
                gxe.ExpectColumnValuesToMatchRegex(**options("number", rule.column), regex=_number(mapping))
            )
        if rule.between:
            low, high = rule.between
            expectations.append(
                gxe.ExpectColumnValuesToBeBetween(
                    **options("between", rule.column + _AS_NUMBER), min_value=low, max_value=high
                )
            )
        if rule.matches:
            expectations.append(
                gxe.ExpectColumnValuesToMatchRegex(**options("matches", rule.column), regex=rule.matches)
            )
        if rule.one_of:
            expectations.append(
                gxe.ExpectColumnValuesToBeInSet(**options("one_of", rule.column), value_set=list(rule.one_of))
            )
    return expectations


def _query(mapping: Mapping, batch_id: UUID) -> str:
    """The staged rows of the batch as columns: text, and a number beside it where a rule compares numbers."""
    columns: list[sql.Composable] = [sql.SQL("row_number")]
    for name in dict.fromkeys(rule.column for rule in mapping.rules):
        cell = sql.SQL("nullif(trim(body ->> {}), '')").format(sql.Literal(name))
        nulls = sql.SQL(", ").join(sql.Literal(value) for value in mapping.null_values if value)
        text = sql.SQL("case when {cell} not in ({nulls}) then {cell} end").format(cell=cell, nulls=nulls)
        columns.append(sql.SQL("{} as {}").format(text, sql.Identifier(name)))
        if any(rule.between for rule in mapping.rules if rule.column == name):
            number = sql.SQL(
                "case when {cell} ~ {pattern} then cast(replace({cell}, ',', '.') as float8) end"
            ).format(cell=cell, pattern=sql.Literal(_number(mapping)))
            columns.append(sql.SQL("{} as {}").format(number, sql.Identifier(name + _AS_NUMBER)))
    statement = sql.SQL("select {} from raw.import_rows where batch_id = {}").format(
        sql.SQL(", ").join(columns), sql.Literal(str(batch_id))
    )
    # SQLAlchemy reads a colon before a word as a parameter.
    return re.sub(r"(?<![:\w\\]):(?=\w)", r"\:", statement.as_string(None))


def _number(mapping: Mapping) -> str:
    return NUMBER.replace("\\.", "[.,]") if mapping.decimal_comma else NUMBER


def _write_docs(context: Any, definition: Any, docs_dir: Path) -> None:
    import great_expectations as gx
    from great_expectations.checkpoint.actions import UpdateDataDocsAction

    context.add_data_docs_site(
        site_name="data_docs",
        site_config={
            "class_name": "SiteBuilder",
            "site_index_builder": {"class_name": "DefaultSiteIndexBuilder"},
            "store_backend": {"class_name": "TupleFilesystemStoreBackend", "base_directory": str(docs_dir)},
        },
    )
    context.checkpoints.add(
        gx.Checkpoint(
            name=definition.name,
            validation_definitions=[definition],
            actions=[UpdateDataDocsAction(name="write Data Docs")],
        )
    ).run()
