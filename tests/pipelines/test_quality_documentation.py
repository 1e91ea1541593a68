"""docs/data-quality.md says of every check what it checks, how bad it is, and what to do."""

from __future__ import annotations

from pathlib import Path

import dagster as dg

from pipelines.quality import SEVERITY, WHEN_RED
from pipelines.quality_documentation import BEGIN, END, PAGE, rendered, write


def test_page_is_what_the_checks_say() -> None:
    text = PAGE.read_text(encoding="utf-8")
    written = text[text.index(BEGIN) : text.index(END) + len(END)]

    assert written == rendered(), "run .venv/bin/python -m pipelines.quality_documentation"


def test_page_that_has_drifted_is_brought_up_to_date(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"before\n{BEGIN}\nold\n{END}\nafter\n", encoding="utf-8")

    write(page)

    assert page.read_text(encoding="utf-8") == f"before\n{rendered()}\nafter\n"


def test_every_check_of_ours_says_how_bad_it_is_and_what_to_do() -> None:
    from pipelines.definitions import defs

    silent = [
        f"{spec.name}: give it metadata=promise(severity, when_red)"
        for check in defs.asset_checks or ()
        if isinstance(check, dg.AssetChecksDefinition)
        for spec in check.check_specs
        if spec.name != "column_schema_change"
        and not (
            spec.description
            and spec.metadata.get(SEVERITY) in {"WARN", "ERROR"}
            and spec.metadata.get(WHEN_RED)
        )
    ]

    assert silent == []
