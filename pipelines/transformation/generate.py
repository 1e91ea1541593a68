"""`aurora generate`: writes what follows from the kernel's catalogues, or says where it has drifted.

To generate something new, add a function to `generated/` that returns path → text, and name it here.
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pipelines.transformation.generated.days import day_files
from pipelines.transformation.generated.dictionary import dictionary_files
from pipelines.transformation.generated.documentation import documentation_files
from pipelines.transformation.generated.feature_marts import feature_mart_files
from pipelines.transformation.generated.features import feature_files
from pipelines.transformation.generated.marts import mart_files
from pipelines.transformation.generated.measurements import measurement_files
from pipelines.transformation.generated.reconciliation import reconciliation_files
from pipelines.transformation.generated.scores import score_files
from pipelines.transformation.generated.sources import source_files
from pipelines.transformation.generated.staging import staging_files
from pipelines.transformation.generated.texts import MARK
from pipelines.transformation.generated.tiles import tile_files

MODELS: Final = "dbt_project/models"


@dataclass(frozen=True)
class Drift:
    """One file that is not what the catalogues say."""

    path: str
    problem: str
    diff: tuple[str, ...] = ()


def generated_files() -> dict[str, str]:
    """Every generated file: its path below the project's folder → its text."""
    models = (
        source_files()
        | staging_files()
        | reconciliation_files()
        | measurement_files()
        | tile_files()
        | feature_files()
        | day_files()
        | feature_mart_files()
        | mart_files()
        | score_files()
    )
    return (
        {f"{MODELS}/{path}": text for path, text in models.items()}
        | documentation_files()
        | dictionary_files(models)
    )


def find_drift(project_dir: Path) -> list[Drift]:
    """What differs between the project and its catalogues; nothing when `aurora generate` was run."""
    wanted = generated_files()
    drift = []
    for path, text in wanted.items():
        file = project_dir / path
        if not file.exists():
            drift.append(Drift(path, "is missing"))
        elif (found := file.read_text(encoding="utf-8")) != text:
            lines = difflib.unified_diff(
                found.splitlines(), text.splitlines(), "as it is", "as it should be", n=0
            )
            drift.append(Drift(path, "differs", tuple(lines)))
    drift += [Drift(path, "follows from nothing any more") for path in _left_over(project_dir, wanted)]
    return sorted(drift, key=lambda entry: entry.path)


def write_generated(project_dir: Path) -> list[Drift]:
    """Bring the files up to date; what was changed. Files that follow from nothing any more are removed."""
    wanted, drift = generated_files(), find_drift(project_dir)
    for entry in drift:
        file = project_dir / entry.path
        if entry.path in wanted:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(wanted[entry.path], encoding="utf-8")
        else:
            file.unlink()
    return drift


def _left_over(project_dir: Path, wanted: dict[str, str]) -> list[str]:
    """Files that carry the mark of a generated one, but are not among those wanted."""
    files = [
        file
        for folder, pattern in (("dbt_project", "**/*.sql"), ("dbt_project", "**/*.yml"), ("docs", "*.md"))
        for file in (project_dir / folder).glob(pattern)
        if "target" not in file.relative_to(project_dir).parts
    ]
    marked = [file for file in files if MARK in file.open(encoding="utf-8").readline()]
    return [path for file in marked if (path := file.relative_to(project_dir).as_posix()) not in wanted]
