"""What is generated follows from the catalogues: nothing has drifted, and one new entry reaches everything."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from aurora.errors import CatalogueConflictError
from aurora.features.windows import Window
from aurora.scores.catalogue import SCORES
from aurora.settings import PROJECT_DIR
from pipelines.transformation.generate import find_drift, generated_files, write_generated
from pipelines.transformation.generated.score_inputs import joins_of
from pipelines.transformation.generated.texts import MAX_LINES, GeneratedModelTooLongError, sql_file
from pipelines.transformation.generated.tiles import tiles_of

_COPIED = ("aurora", "pipelines", "dbt_project", "docs")
_NEW_ENTRY = """
    Feature(
        "hydration_sum_1d", "intake", Window("hydration", "sum", 1), "ml", "Drunk today so far."
    ),
    Feature("time_since_last_meal","""
_TELL = """
import json
from datetime import UTC, date, datetime
from pathlib import Path
from aurora.features.catalogue import FEATURES
from aurora.features.tiles import Tile
from aurora.features.vector import Moment, vector
from aurora.models.catalogue import MODELS
from pipelines.transformation.generate import find_drift, write_generated

drifted = [entry.path for entry in find_drift(Path("."))]
write_generated(Path("."))
as_of = datetime(2026, 3, 2, 20, tzinfo=UTC)
tiles = {date(2026, 3, 2): {"hydration": Tile(2, 750_000, 1, 1, 1, 1, as_of)}}
live = vector(tiles, Moment(as_of, date(2026, 3, 2), 72_000))
print(json.dumps({"drifted": drifted, "live": live["hydration_sum_1d"], "signature": MODELS["energy"].features}))
"""


def test_generated_files_follow_from_the_catalogues() -> None:
    assert find_drift(PROJECT_DIR) == []


def test_one_new_entry_reaches_sql_live_vector_docs_and_signature(tmp_path: Path) -> None:
    for folder in _COPIED:
        ignored = shutil.ignore_patterns("target", "logs", "__pycache__")
        shutil.copytree(PROJECT_DIR / folder, tmp_path / folder, ignore=ignored)
    catalogue = tmp_path / "aurora/features/catalogue.py"
    text = catalogue.read_text()
    catalogue.write_text(
        text.replace('\n    Feature("time_since_last_meal",', _NEW_ENTRY, 1).replace(
            '        "alcohol_sum_2d",\n', '        "alcohol_sum_2d",\n        "hydration_sum_1d",\n', 1
        )
    )

    told = subprocess.run(
        [sys.executable, "-c", _TELL],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    told = json.loads(told.stdout)

    models = tmp_path / "dbt_project/models/features"
    assert "hydration_sum_1d" in (models / "domains/int_intake_features.sql").read_text()
    assert "hydration_sum_1d" in (models / "moment_energy_features.sql").read_text()
    assert "Drunk today so far. Unit: ml." in (models / "_features.yml").read_text()
    assert "| `hydration_sum_1d` | ml | Drunk today so far. |" in (tmp_path / "docs/features.md").read_text()
    assert "dbt_project/models/features/domains/int_intake_features.sql" in told["drifted"]
    assert told["live"] == 750.0
    assert told["signature"][-1] == "hydration_sum_1d"


def test_file_that_follows_from_nothing_any_more_is_removed(tmp_path: Path) -> None:
    write_generated(tmp_path)
    left_over = tmp_path / "dbt_project/models/features/domains/int_old_features.sql"
    shutil.copy(tmp_path / "dbt_project/models/features/domains/int_clock_features.sql", left_over)

    drift = find_drift(tmp_path)
    write_generated(tmp_path)

    assert [(entry.path, entry.problem) for entry in drift] == [
        ("dbt_project/models/features/domains/int_old_features.sql", "follows from nothing any more")
    ]
    assert not left_over.exists()


def test_no_generated_model_is_longer_than_a_reader_bears() -> None:
    assert all(
        text.count("\n") <= MAX_LINES for path, text in generated_files().items() if path.endswith(".sql")
    )
    with pytest.raises(GeneratedModelTooLongError, match="another domain"):
        sql_file("too_long", "a catalogue", "select 1\n" * MAX_LINES)


def test_the_tiles_of_a_measure_are_read_where_they_lie() -> None:
    assert tiles_of(["energy", "mood", "mood_neutral", "stress"]) == "int_rating_tiles"
    assert tiles_of(["steps", "sleep_quality"]) == "int_other_tiles"
    assert tiles_of(["steps", "stress"]) == "int_whole_tiles"


def test_a_score_cannot_read_what_has_no_tile_of_its_own() -> None:
    energy = SCORES["energy"]
    inputs = tuple(replace(entry, source=Window("energy_evening", "mean", 1)) for entry in energy.inputs)

    with pytest.raises(CatalogueConflictError, match="'energy_evening', which has no tile of its own"):
        joins_of(replace(energy, inputs=inputs))
