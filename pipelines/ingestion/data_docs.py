"""Data Docs: what Great Expectations shows of its judgement. Writing them reads every row a second time.

Dagster has them written of held-back batches only, each in a folder of its own; `aurora import --data-docs` of
whatever it imports.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final
from uuid import UUID

KEPT: Final = timedelta(days=30)
"""They show values of rows: a month is enough to look."""


@dataclass(frozen=True)
class WantedDocs:
    """Where Data Docs go, and of which batches."""

    folder: Path
    only_held_back: bool = False

    def folder_of(self, batch_id: UUID) -> Path:
        # Those of many batches lie beside one another; by hand it is one site, replaced each time.
        return self.folder / str(batch_id) if self.only_held_back else self.folder


def docs_of_held_back(data_dir: Path) -> WantedDocs:
    """As the landing folder has them written."""
    return WantedDocs(data_dir / "data_docs" / "held_back", only_held_back=True)


def forget_old_docs(data_dir: Path, now: datetime) -> int:
    """Throw away those of held-back batches that are older than a month; how many. Housekeeping calls this."""
    folder = docs_of_held_back(data_dir).folder
    old = [
        docs
        for docs in (folder.iterdir() if folder.is_dir() else ())
        if docs.stat().st_mtime < (now - KEPT).timestamp()
    ]
    for docs in old:
        shutil.rmtree(docs)
    return len(old)
