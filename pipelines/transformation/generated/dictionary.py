"""The data dictionary: what dbt says of the marts, as analysts see them. `docs/data-dictionary.md`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import yaml

from aurora.settings import PROJECT_DIR
from pipelines.transformation.generated.texts import MARK

_MARTS: Final = "marts"
_TYPES_WITH_TEXT: Final = {"text", "jsonb", "text[]"}
_INTRODUCTION: Final = """\
Every view of the schema `analysts`, with what its mart says in `dbt_project/models/marts`. The same texts are comments
in Postgres: `\\d+ analysts.nights` in psql, or the column comments of your BI tool. How the views differ from the
marts, and why: [decision 18](decisions/0018-analysts-see-views-by-a-key.md).
"""


def dictionary_files(models: Mapping[str, str]) -> dict[str, str]:
    """Path below the project → text. `models` are the generated files below `models/`, which go before the disk."""
    marts = sorted(_marts(models), key=lambda mart: mart["name"])
    parts = [
        f"<!-- {MARK} from dbt_project/models/marts; do not edit. -->",
        "# Data dictionary",
        _INTRODUCTION,
    ]
    parts.append("\n".join(["| view | what it holds |", "| --- | --- |", *map(_overview, marts)]))
    parts += [f"## {mart['name']}\n\n{_one_line(mart['description'])}\n\n{_columns(mart)}" for mart in marts]
    return {"docs/data-dictionary.md": "\n".join(part.rstrip() + "\n" for part in parts)}


def seen_by_analysts(column: Mapping[str, Any]) -> tuple[str, str, str] | None:
    """Name, type and description in the view; None when it is left out. As the macro view_for_analysts has it."""
    name, kind = column["name"], column["data_type"]
    text = column.get("config", {}).get("meta", {}).get("text")
    if name == "user_id":
        return "person_key", "uuid", "Key of the person: a keyed hash, the same in every view."
    if kind == "uuid" or text == "id":
        return (
            (f"{name[:-3]}_key" if name.endswith("_id") else name),
            "uuid",
            f"{column['description']} A hash.",
        )
    if kind in _TYPES_WITH_TEXT and text not in {"code", "name"}:
        return None
    return name, kind, column["description"]


def _marts(models: Mapping[str, str]) -> Iterator[dict[str, Any]]:
    folder = PROJECT_DIR / "dbt_project" / "models"
    texts = {
        f"{_MARTS}/{file.relative_to(folder / _MARTS).as_posix()}": file.read_text(encoding="utf-8")
        for file in Path(folder / _MARTS).rglob("*.yml")
    }
    texts |= {
        path: text for path, text in models.items() if path.startswith(f"{_MARTS}/") and path.endswith(".yml")
    }
    for text in texts.values():
        yield from (yaml.safe_load(text) or {}).get("models", [])


def _overview(mart: Mapping[str, Any]) -> str:
    name = mart["name"]
    return f"| [`{name}`](#{name}) | {_one_line(mart['description'])} |"


def _columns(mart: Mapping[str, Any]) -> str:
    rows = ["| column | type | means |", "| --- | --- | --- |"]
    for column in mart["columns"]:
        seen = seen_by_analysts(column)
        if seen is not None:
            name, kind, description = seen
            rows.append(f"| `{name}` | {kind} | {_one_line(description)} |")
    return "\n".join(rows)


def _one_line(text: str) -> str:
    return " ".join(text.split())
