"""dbt parses the project once for all who ask, and again when anything of it has changed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from pipelines.transformation import dbt_runs
from pipelines.transformation.dbt_runs import DbtFailedError, parse

_PROJECT = """
name: small
version: 1.0.0
config-version: 2
profile: small
flags: {send_anonymous_usage_stats: false}
"""
_PROFILE = """
small:
  target: here
  outputs:
    here: {type: postgres, host: 127.0.0.1, port: 5432, user: nobody, password: "", dbname: none, schema: public}
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "small"
    (folder / "models").mkdir(parents=True)
    (folder / "dbt_project.yml").write_text(_PROJECT)
    (folder / "profiles.yml").write_text(_PROFILE)
    (folder / "models" / "days.sql").write_text("select 1 as day")
    describe(folder, "One row per day")
    return folder


def describe(project: Path, description: str) -> None:
    (project / "models" / "days.yml").write_text(f"models: [{{name: days, description: {description}}}]")


def parsed(project: Path) -> dict[str, Any]:
    manifest = json.loads(parse(data_dir=project.parent, dbt_dir=project))
    return manifest["nodes"]["model.small.days"]


def test_what_was_parsed_is_read_again_without_dbt(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = parsed(project)
    # As dbt leaves it when it is run in the project by hand.
    (project / "target").mkdir()
    (project / "target" / "manifest.json").write_text("{}")
    monkeypatch.setattr(dbt_runs, "_run", lambda *_: pytest.fail("dbt ran"))

    assert parsed(project) == first
    assert first["description"] == "One row per day"


def test_changed_file_is_parsed_again(project: Path) -> None:
    parsed(project)
    describe(project, "Two rows per day")

    assert parsed(project)["description"] == "Two rows per day"


def test_project_that_does_not_parse_is_no_answer_the_next_time_either(project: Path) -> None:
    good = parsed(project)
    (project / "models" / "days.sql").write_text("select * from {{ ref('nobody') }}")

    for _ in range(2):
        with pytest.raises(DbtFailedError, match="nobody"):
            parsed(project)

    (project / "models" / "days.sql").write_text(good["raw_code"])
    assert parsed(project)["raw_code"] == good["raw_code"]


def test_artifact_that_is_gone_is_written_again(project: Path) -> None:
    parsed(project)
    (project.parent / "dbt" / "parsed" / "manifest.json").unlink()

    assert parsed(project)["name"] == "days"


def test_running_dbt_again_in_one_process_leaves_nothing_behind(project: Path) -> None:
    from dbt.adapters.base.impl import DEFAULT_BASE_BEHAVIOR_FLAGS

    before = list(DEFAULT_BASE_BEHAVIOR_FLAGS)
    for description in ("One row", "Two rows"):
        describe(project, description)
        parsed(project)

    assert before == DEFAULT_BASE_BEHAVIOR_FLAGS
