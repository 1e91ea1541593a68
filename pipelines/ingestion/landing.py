"""The landing folder: files that people and other systems put down to be imported.

landing/<mapping>/file.csv             rows that say whose they are
landing/<mapping>/<user>/file.csv      every row is this person's
landing/<mapping>-anything.csv         the name begins with the mapping's
landing/<user>/export.zip              an export of this person's own data, recognised by its content
landing/<name>/mapping.yaml            a mapping of one's own, for the files beside it
landing/done/…, landing/failed/…       where files go; beside a failed one, <file>.reason.txt
"""

from __future__ import annotations

import re
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from pipelines.ingestion.errors import FileUnusableError, MappingUnknownError
from pipelines.ingestion.importer import ImportRequest
from pipelines.ingestion.mapping import Mapping
from pipelines.ingestion.mapping_files import load_mapping, mapping_names
from pipelines.ingestion.recognition import recognise

DONE: Final = "done"
FAILED: Final = "failed"
QUIET_SECONDS: Final = 5.0
"""A file that was written to more recently may still be growing."""

_OWN_MAPPING: Final = "mapping.yaml"
_UNFINISHED: Final = (".part", ".tmp", ".crdownload", ".filepart")


@dataclass(frozen=True)
class LandedFile:
    """A file that waits to be imported."""

    path: Path
    landing_dir: Path

    @property
    def place(self) -> Path:
        """Where it lies below the landing folder."""
        return self.path.relative_to(self.landing_dir)

    def _recognised(self, folder: str) -> Mapping:
        """In a folder that is no mapping's lies what says itself what it is; the folder names the person."""
        try:
            mapping = recognise(self.path)
        except FileUnusableError as error:
            raise FileUnusableError(
                self.path, f"no mapping is called {folder!r}, and {error.reason}"
            ) from error
        return mapping

    @property
    def identity(self) -> str:
        """Changes when the file is replaced."""
        state = self.path.stat()
        return f"{self.place}:{state.st_size}:{state.st_mtime_ns}"

    def request(self) -> ImportRequest:
        """What its place says about how to read it; MappingUnknownError or MappingInvalidError otherwise."""
        folders = self.place.parts[:-1]
        if not folders:
            return ImportRequest(self.path, load_mapping(_named_in(self.path.name)))
        own = self.landing_dir / folders[0] / _OWN_MAPPING
        if not own.is_file() and folders[0] not in mapping_names():
            return ImportRequest(self.path, self._recognised(folders[0]), user=folders[0])
        mapping = load_mapping(str(own) if own.is_file() else folders[0])
        return ImportRequest(self.path, mapping, user=folders[1] if len(folders) > 1 else None)


def landed_files(landing_dir: Path, *, quiet_seconds: float = QUIET_SECONDS) -> list[LandedFile]:
    """The files that wait and are complete, the oldest first."""
    latest = time.time() - quiet_seconds
    files = [path for path in _files(landing_dir) if path.stat().st_mtime <= latest]
    return [LandedFile(path, landing_dir) for path in sorted(files, key=lambda path: path.stat().st_mtime)]


def put_away(file: LandedFile, outcome: str, *, at: datetime, reason: str | None = None) -> Path:
    """Move a file to `done` or `failed`, under a name that no earlier file has; a reason lies beside it."""
    place = file.landing_dir / outcome / file.place.parent / f"{at:%Y%m%dT%H%M%S%f}-{file.path.name}"
    place.parent.mkdir(parents=True, exist_ok=True)
    shutil.move(file.path, place)
    if reason is not None:
        place.with_name(f"{place.name}.reason.txt").write_text(f"{reason}\n", encoding="utf-8")
    return place


def _files(landing_dir: Path) -> Iterator[Path]:
    for path in landing_dir.rglob("*") if landing_dir.is_dir() else ():
        place = path.relative_to(landing_dir)
        is_hidden = any(part.startswith(".") for part in place.parts)
        if is_hidden or place.parts[0] in {DONE, FAILED} or path.suffix in _UNFINISHED:
            continue
        if path.is_file() and not path.is_symlink() and path.name != _OWN_MAPPING:
            yield path


def _named_in(file_name: str) -> str:
    """The longest name of a mapping with which the file's name begins."""
    for name in sorted(mapping_names(), key=len, reverse=True):
        if re.match(rf"{re.escape(name)}(?![A-Za-z0-9])", file_name):
            return name
    raise MappingUnknownError(file_name, mapping_names())
