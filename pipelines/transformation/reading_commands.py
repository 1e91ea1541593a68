"""The sub-commands for readers of the warehouse: its metrics and its documentation."""

from __future__ import annotations

import csv
import sys
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from aurora.settings import load_settings
from pipelines.addresses import pipelines_url

if TYPE_CHECKING:
    from pipelines.transformation.metrics import MetricTable

metrics_app = typer.Typer(
    no_args_is_help=True, help="The numbers that are asked first: list them, query them."
)


def register_reading(app: typer.Typer) -> None:
    """Add these sub-commands to the `aurora` command."""
    app.add_typer(metrics_app, name="metrics")
    app.command(name="docs")(docs)


@metrics_app.command(name="list")
def list_metrics() -> None:
    """Every metric, what it means and what it can be had by."""
    from pipelines.transformation.metrics import GRAINS, Metrics

    table = Table("metric", "means", "by, beside the time")
    for metric in Metrics(data_dir=load_settings().data_dir).list():
        others = [name for name in metric.groupings if name not in GRAINS]
        table.add_row(metric.name, metric.description, ", ".join(others))
    Console().print(table)


@metrics_app.command(name="query")
def query_metrics(
    names: Annotated[list[str], typer.Argument(help="Names of metrics", show_default=False)],
    *,
    by: Annotated[list[str] | None, typer.Option(help="day, week, month, cohort, …; may be repeated")] = None,
    where: Annotated[
        list[str] | None, typer.Option(help="A condition like cohort=real; may be repeated")
    ] = None,
    since: Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="First local day")] = None,
    until: Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Last local day")] = None,
    csv_file: Annotated[Path | None, typer.Option("--csv", help="Write CSV here; `-` prints it")] = None,
    show_sql: Annotated[bool, typer.Option("--sql", help="Only print the SQL that would be run")] = False,
) -> None:
    """Compute metrics over the marts: a table, or CSV."""
    from aurora.database.connections import connect
    from aurora.errors import AuroraError
    from pipelines.transformation.metrics import Metrics

    settings = load_settings()
    options: dict[str, Any] = {
        "by": by or [],
        "where": where or [],
        "since": since.date() if since else None,
        "until": until.date() if until else None,
    }
    try:
        metrics = Metrics(data_dir=settings.data_dir)
        if show_sql:
            sys.stdout.write(f"{metrics.compile(names, **options)}\n")
            return
        # As the owner of the marts: analysts see them under pseudonyms only.
        with connect(pipelines_url(settings)) as connection:
            connection.read_only = True
            found = metrics.query(connection, names, **options)
    except AuroraError as error:
        Console(stderr=True).print(f"[red]{error}[/]", highlight=False)
        raise typer.Exit(2) from error
    if csv_file is None:
        Console().print(_table(found))
    elif str(csv_file) == "-":
        _write_csv(found, sys.stdout)
    else:
        with csv_file.open("w", encoding="utf-8", newline="") as file:
            _write_csv(found, file)


def docs(
    *,
    port: Annotated[int, typer.Option(help="Port on 127.0.0.1; 0 takes a free one")] = 8085,
    only_write: Annotated[bool, typer.Option("--only-write", help="Write the page, do not serve it")] = False,
) -> None:
    """Write dbt's documentation of the warehouse, and serve it until Ctrl-C."""
    from pipelines.transformation.documentation import documentation_server, write_documentation

    console, settings = Console(), load_settings()
    with console.status("asking Postgres for its tables"):
        page = write_documentation(pipelines_url(settings), data_dir=settings.data_dir)
    console.print(f"{page}", highlight=False, soft_wrap=True)
    if only_write:
        return
    with documentation_server(page, port=port) as server:
        console.print(f"http://127.0.0.1:{server.server_port}/  (Ctrl-C ends it)", highlight=False)
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            return


def _table(found: MetricTable) -> Table:
    table = Table(*found.columns)
    for row in found.rows:
        table.add_row(*(_cell(value) for value in row))
    return table


def _cell(value: Any) -> str:
    """Missing is shown as missing, never as zero."""
    if value is None:
        return "–"
    return f"{value:,.3f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)


def _write_csv(found: MetricTable, file: Any) -> None:
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(found.columns)
    writer.writerows(found.rows)
