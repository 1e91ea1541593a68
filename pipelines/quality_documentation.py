"""The table of docs/data-quality.md, written from the checks themselves: `python -m pipelines.quality_documentation`.

A test fails when the page has drifted. A new check or dbt test needs nothing here: names are sentences. What a
name cannot say of a generic dbt test stands in DBT_TESTS.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

import dagster as dg

from aurora.settings import PROJECT_DIR
from pipelines.quality import SEVERITY, WHEN_RED

PAGE: Final = PROJECT_DIR / "docs" / "data-quality.md"
BEGIN: Final = "<!-- written by `python -m pipelines.quality_documentation` -->"
END: Final = "<!-- end of what is written -->"

_REPEAT: Final = (
    "The build is not good, and the next does not go on from it: mend the SQL or its input, build again."
)
_ELSEWHERE: Final = (
    "Of predictions: whoever wrote them is wrong, not the warehouse, and the build goes on. Look at the rows, as"
    " for `every_prediction_lies_within_its_interval`."
)
DBT_TESTS: Final = {
    "rows_are_unique": "No two rows have the same key, and none lacks a part of it.",
    "spans_do_not_overlap": "Of one person, two states of one day never hold at the same time.",
    "a_label_does_not_know_itself": "A rating's features know nothing of its own questionnaire.",
    "values_are_possible": "Amounts, shares, ratings, clock times, classes and states are such as can be.",
    "rows_belong_to": "Tiles and nights have their day, workouts and labels the event that they are.",
}
"""Generic tests of dbt, by their name in the manifest, as sentences."""
_DAGSTERS: Final = {
    "column_schema_change": (
        "The columns are those of the last materialization.",
        "Was it meant? Then it is green with the next build. If not: `git log` of the model's SQL.",
    )
}
"""Checks that Dagster itself makes, which cannot say it themselves."""


def write(page: Path = PAGE) -> None:
    """Bring the page up to date."""
    text = page.read_text(encoding="utf-8")
    before, rest = text.split(BEGIN, 1)
    _, after = rest.split(END, 1)
    page.write_text(f"{before}{rendered()}{after}", encoding="utf-8")


def rendered() -> str:
    """What stands between the two marks, and they themselves."""
    from pipelines.definitions import defs
    from pipelines.transformation.assets import manifest_tests

    head = ["| check | where | severity | blocks | what to do when it is red |", "|---|---|---|---|---|"]
    rows = [*_rows_of_dagster(defs), *_rows_of_dbt(manifest_tests())]
    return "\n".join([BEGIN, "", *head, *rows, "", END])


def _rows_of_dagster(defs: dg.Definitions) -> Iterator[str]:
    found: dict[tuple[str, ...], list[str]] = {}
    for spec in _specs(defs):
        sentence, when_red = _DAGSTERS.get(spec.name, (spec.description or "", ""))
        row = (
            spec.name,
            sentence,
            str(spec.metadata.get(SEVERITY, "WARN")),
            "yes" if spec.blocking else "no",
            str(spec.metadata.get(WHEN_RED, when_red)),
        )
        found.setdefault(row, []).append(spec.asset_key.to_user_string())
    for (name, sentence, severity, blocks, when_red), keys in found.items():
        where = f"`{keys[0]}`" if len(keys) == 1 else _schemas(keys)
        yield f"| `{name}`: {_cell(sentence)} | {where} | {severity} | {blocks} | {_cell(when_red)} |"


def _specs(defs: dg.Definitions) -> Iterator[dg.AssetCheckSpec]:
    """Of checks that stand alone, and of those that an asset judges as it is made; dbt's tests are told elsewhere."""
    for check in defs.asset_checks or ():
        if isinstance(check, dg.AssetChecksDefinition):
            yield from check.check_specs
    for asset in defs.assets or ():
        if isinstance(asset, dg.AssetsDefinition):
            yield from (spec for spec in asset.check_specs if SEVERITY in spec.metadata)


def _rows_of_dbt(tests: Iterable[tuple[str, str]]) -> Iterator[str]:
    for name, severity in sorted({(name, severity.upper()) for name, severity in tests}):
        blocks, when_red = ("yes", _REPEAT) if severity == "ERROR" else ("no", _ELSEWHERE)
        sentence = _cell(DBT_TESTS.get(name, name.replace("_", " ")))
        yield f"| dbt's `{name}`: {sentence} | dbt models | {severity} | {blocks} | {when_red} |"


def _schemas(keys: Iterable[str]) -> str:
    return "every table of " + ", ".join(
        f"`{schema}`" for schema in sorted({key.split("/")[0] for key in keys})
    )


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


if __name__ == "__main__":
    write()
