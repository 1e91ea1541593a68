"""The check on columns of landed files: red when the newest file of a mapping has others than the one before."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import dagster as dg
import psycopg

from pipelines.ingestion.file_columns import landed_files_have_the_columns_of_the_last_ones
from pipelines.quality import SEVERITY
from pipelines.resources import PostgresResource, SettingsResource
from tests.pipelines.ingestion.imports import a_mapping, run_import

OTHER = {"name": "other_diary", "source": "other-diary"}


def land(url: str, folder: Path, file_name: str, head: str, *rows: str, **changes: Any) -> None:
    path = folder / file_name
    path.write_text("\n".join([head, *rows]) + "\n", encoding="utf-8")
    run_import(url, path, a_mapping(**changes))


def checked(url: str) -> dg.AssetCheckResult:
    postgres = PostgresResource(settings=SettingsResource(overrides={"postgres_url": url}))
    result = landed_files_have_the_columns_of_the_last_ones(postgres)
    assert isinstance(result, dg.AssetCheckResult)
    return result


def test_first_file_of_a_mapping_is_compared_with_nothing(committed_database: str, tmp_path: Path) -> None:
    land(committed_database, tmp_path, "a.csv", "who,date,hours,mood", "ana,2026-03-01,7,4")

    assert checked(committed_database).passed
    assert checked(committed_database).metadata["mappings compared"].value == 0


def test_same_columns_in_another_order_are_green(committed_database: str, tmp_path: Path) -> None:
    land(committed_database, tmp_path, "a.csv", "who,date,hours,mood", "ana,2026-03-01,7,4")
    land(committed_database, tmp_path, "b.csv", "date,who,mood,hours", "2026-03-02,ana,4,")

    green = checked(committed_database)

    assert green.passed
    assert green.metadata["mappings compared"].value == 1


def test_new_and_vanished_columns_are_red_and_named_until_the_next_file(
    committed_database: str, tmp_path: Path
) -> None:
    land(committed_database, tmp_path, "a.csv", "who,date,hours,mood,steps", "ana,2026-03-01,7,4,9000")
    land(committed_database, tmp_path, "o.csv", "who,date,hours,mood", "ben,2026-03-01,7,4", **OTHER)
    land(committed_database, tmp_path, "b.csv", "who,date,hours,mood,nap", "ana,2026-03-02,7,4,1")
    land(committed_database, tmp_path, "p.csv", "who,date,hours,mood", "ben,2026-03-02,7,4", **OTHER)

    red = checked(committed_database)
    land(committed_database, tmp_path, "c.csv", "who,date,hours,mood,nap", "ana,2026-03-03,7,4,0")

    assert not red.passed
    (spec,) = landed_files_have_the_columns_of_the_last_ones.check_specs
    assert red.severity.value == spec.metadata[SEVERITY] == "WARN"
    assert "| diary | b.csv | a.csv | nap | steps |" in str(red.metadata["changes"].value)
    assert "other_diary" not in str(red.metadata["changes"].value)
    assert checked(committed_database).passed


def test_change_is_told_for_a_week(committed_database: str, tmp_path: Path) -> None:
    land(committed_database, tmp_path, "a.csv", "who,date,hours,mood", "ana,2026-03-01,7,4")
    land(committed_database, tmp_path, "b.csv", "who,date,hours,mood,nap", "ana,2026-03-02,7,4,1")
    assert not checked(committed_database).passed
    with psycopg.connect(committed_database) as connection:
        connection.execute("update raw.import_batches set started_at = started_at - interval '8 days'")

    assert checked(committed_database).passed


def test_json_that_leaves_a_field_out_is_no_change(committed_database: str, tmp_path: Path) -> None:
    line = '{"who": "ana", "date": "2026-03-01", "hours": 7, "mood": 4%s}\n'
    for name, tails in (("a", ("", ', "nap": 1')), ("b", ("", ', "steps": 9'))):
        path = tmp_path / f"{name}.ndjson"
        path.write_text("".join(line % tail for tail in tails).replace("03-01", f"03-0{ord(name) - 96}"))
        run_import(committed_database, path, a_mapping(format="ndjson"))

    assert checked(committed_database).passed
