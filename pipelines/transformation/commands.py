"""The sub-commands of transformation: generate and build."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.console import Console

from aurora.settings import PROJECT_DIR, load_settings


def register_transformation(app: typer.Typer) -> None:
    """Add these sub-commands to the `aurora` command."""
    app.command()(generate)
    app.command()(build)


def generate(
    *,
    check: Annotated[
        bool, typer.Option("--check", help="Only say what has drifted; fail if anything has")
    ] = False,
) -> None:
    """Write the SQL, contracts and docs that follow from the catalogues in `aurora/`."""
    from pipelines.transformation.generate import find_drift, write_generated

    console = Console()
    drift = find_drift(PROJECT_DIR) if check else write_generated(PROJECT_DIR)
    for entry in drift:
        console.print(f"{entry.path} {entry.problem}", highlight=False)
        if check:
            for line in entry.diff[:12]:
                console.print(f"    {line}", highlight=False, markup=False)
    if check and drift:
        console.print(f"{len(drift)} generated files have drifted from the catalogues: run `make generate`")
        raise typer.Exit(1)
    console.print("All generated files follow from the catalogues." if not drift or check else "Written.")


def build(
    *,
    full: Annotated[bool, typer.Option("--full", help="From nothing, not from what changed")] = False,
    as_of: Annotated[
        datetime | None,
        typer.Option(help="Take this instant (UTC) for now: its day is made for whoever was active then"),
    ] = None,
    cohort: Annotated[
        str | None, typer.Option(help="Whose today is made in any case; everybody's when not given")
    ] = None,
) -> None:
    """Build the warehouse with dbt: the days touched since the last good build."""
    from pipelines.addresses import pipelines_url
    from pipelines.transformation.warehouse import build_warehouse

    console, settings = Console(), load_settings()
    with console.status("building") as status:
        report = build_warehouse(
            pipelines_url(settings),
            data_dir=settings.data_dir,
            full=full,
            now=as_of.replace(tzinfo=UTC) if as_of else None,
            cohort=cohort,
            pseudonym_key=settings.pseudonym_key,
            on_node=lambda node: status.update(f"{node.name} …"),
        )
    for result in report.bad:
        console.print(f"[red]{result.status}[/] {result.name}: {result.message}", highlight=False)
    console.print(
        f"{'Full' if report.is_full else 'Incremental'} build: {report.count('model')} models"
        f"{' (the views are as they were)' if report.kept_views else ''},"
        f" {report.count('test')} tests, {len(report.bad)} bad, {report.seconds:.0f} s."
    )
    if not report.is_good:
        raise typer.Exit(1)
