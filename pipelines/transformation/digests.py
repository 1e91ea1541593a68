"""Digests of the files of the dbt project: by them what was made of it before is known to be as good as new."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from importlib.metadata import version
from pathlib import Path
from typing import Final

_DEFINED_IN: Final = ("models/staging", "models/intermediate", "models/features", "models/scores", "macros")
_PARSED_BY: Final = ("dbt-core", "dbt-postgres")
_WRITTEN_BY_DBT: Final = frozenset({"target", "logs"})
"""Folders that dbt makes in the project when it is run there by hand."""


def definition_of(dbt_dir: Path) -> str:
    """Of all SQL that decides what the incremental tables hold."""
    return _digest(dbt_dir, (file for folder in _DEFINED_IN for file in (dbt_dir / folder).rglob("*.sql")))


def views_of(dbt_dir: Path) -> str:
    """Of all that decides what the views are, their columns' types and descriptions included."""
    files = (file for folder in ("models", "macros") for file in (dbt_dir / folder).rglob("*.*"))
    return _digest(dbt_dir, (*files, dbt_dir / "dbt_project.yml"))


def project_of(dbt_dir: Path) -> str:
    """Of all that decides what dbt makes of the project when it parses it: where it lies and dbt itself, too."""
    entries = (entry for entry in dbt_dir.iterdir() if entry.name not in _WRITTEN_BY_DBT)
    files = (file for entry in entries for file in (entry, *entry.rglob("*")) if file.is_file())
    return " ".join((_digest(dbt_dir, files), *map(version, _PARSED_BY), str(dbt_dir.resolve())))


def _digest(dbt_dir: Path, files: Iterable[Path]) -> str:
    digest = hashlib.sha256()
    for file in sorted(files):
        digest.update(file.relative_to(dbt_dir).as_posix().encode() + b"\0" + file.read_bytes() + b"\0")
    return digest.hexdigest()[:16]
