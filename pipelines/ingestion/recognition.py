"""Recognition: which mapping reads a file, told by its content, whatever its name."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

from pipelines.ingestion.errors import FileUnusableError, IngestionError
from pipelines.ingestion.exports import format_of
from pipelines.ingestion.inspection import BOM, read_header
from pipelines.ingestion.mapping import Mapping
from pipelines.ingestion.mapping_files import load_mapping, mapping_names

_ENVELOPE: Final = frozenset({"type", "started_at", "source"})
_NDJSON: Final = frozenset({".ndjson", ".jsonl"})
_HEAD_BYTES: Final = 1 << 16


def recognise(path: Path) -> Mapping:
    """The mapping that reads what lies at `path`; FileUnusableError, naming what is recognised, without one."""
    if not path.exists():
        raise FileUnusableError(path, f"there is no file {path}")
    if path.is_file() and _is_envelope(path):
        return load_mapping("events")
    if name := format_of(path):
        return load_mapping(name)
    own = [load_mapping(name) for name in mapping_names()]
    own = [mapping for mapping in own if mapping.user is None]
    if path.is_file():
        for mapping in own:
            if not mapping.is_export and _has_columns(path, mapping):
                return mapping
    if path.suffix.lower() in _NDJSON:
        # Of a file that says what it is, a broken first line must not cost the others.
        return load_mapping("events")
    known = "; ".join(mapping.title for mapping in own)
    raise FileUnusableError(
        path,
        "nothing here knows this by its content. Recognised are: events in AURORA's own envelope (NDJSON); "
        f"{known}. Of any other table say what the columns mean: --mapping NAME (`aurora mappings`), or a .yaml "
        "of yours",
    )


def _is_envelope(path: Path) -> bool:
    with path.open("rb") as file:
        line = file.readline(_HEAD_BYTES)
    if not line.removeprefix(BOM).lstrip().startswith(b"{"):
        return False
    try:
        body = json.loads(line.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        return False
    return isinstance(body, dict) and body.keys() >= _ENVELOPE


def _has_columns(path: Path, mapping: Mapping) -> bool:
    try:
        read_header(path, mapping)
    except IngestionError:
        return False
    return True
