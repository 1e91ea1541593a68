"""How generated files look: SQL in the house style, YAML, and the line that says not to edit them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

import yaml

MARK: Final = "Written by `aurora generate`"
MAX_LINES: Final = 150
"""Of one dbt model. A longer one is cut along the catalogue's own lines, not here."""


class GeneratedModelTooLongError(Exception):
    def __init__(self, name: str, lines: int) -> None:
        super().__init__(
            f"the dbt model {name} would have {lines} lines, more than {MAX_LINES}: give the catalogue "
            "another domain and move some entries there"
        )


def sql_file(name: str, source: str, text: str) -> str:
    """A generated dbt model: `source` is the catalogue it follows from."""
    body = f"-- {MARK} from {source}; do not edit.\n-- sqlfluff:max_line_length:0\n{text.strip()}\n"
    lines = body.count("\n")
    if lines > MAX_LINES:
        raise GeneratedModelTooLongError(name, lines)
    return body


def yaml_file(source: str, models: Iterable[Mapping[str, Any]]) -> str:
    body = yaml.safe_dump(
        {"version": 2, "models": list(models)}, sort_keys=False, allow_unicode=True, width=110
    )
    return f"# {MARK} from {source}; do not edit.\n{body}"


def one_line(sql: str) -> str:
    """Kernel SQL may span lines for its reader's sake; here a column is one line."""
    return " ".join(sql.split())


def indented(lines: Iterable[str], by: int = 4) -> str:
    return ",\n".join(" " * by + line for line in lines)


def described(name: str, data_type: str, description: str, **more: Any) -> dict[str, Any]:
    """One column of a model, as YAML."""
    return {"name": name, "data_type": data_type, "description": description, **more}


def not_null() -> dict[str, Any]:
    return {"constraints": [{"type": "not_null"}]}


def unique_rows(
    model: str, columns: list[str], days: str | None = None, *, of_log: bool = False
) -> dict[str, Any]:
    """The test on a model's key; with `days` it judges only what the build at hand has written.

    A view `of_log` is asked of the months around these days only.
    """
    arguments: dict[str, Any] = {"columns": columns}
    if days:
        arguments["days"] = f"ref('{days}')"
    if of_log:
        arguments["of_log"] = True
    return {"rows_are_unique": {"name": f"rows_of_{model}_are_unique", "arguments": arguments}}
