"""The sub-commands of ingestion: import, mappings, simulate."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated

import typer

from aurora import clock
from aurora.settings import load_settings


def register_ingestion(app: typer.Typer) -> None:
    """Add these sub-commands to the `aurora` command."""
    app.command("import")(import_files)
    app.command()(mappings)
    app.command()(simulate)


def import_files(
    files: Annotated[
        list[Path], typer.Argument(help="Exports (ZIP, XML, JSON, a folder), CSV, TSV, Parquet or NDJSON")
    ],
    mapping: Annotated[
        str,
        typer.Option(
            help="What the columns mean: a name (`aurora mappings`) or a .yaml of yours; an export says it itself"
        ),
    ] = "",
    cohort: Annotated[str, typer.Option(help="Cohort of people who are new; else the mapping's")] = "",
    user: Annotated[str, typer.Option(help="Whose every row is: a username, an id, or a new name")] = "",
    tz: Annotated[str, typer.Option(help="IANA zone in which the rows were written")] = "",
    *,
    data_docs: Annotated[bool, typer.Option(help="Write the Data Docs of the judgement, too")] = False,
) -> None:
    """Import files: their rows become events. Importing the same file again changes nothing."""
    from aurora.errors import ServiceUnavailableError
    from pipelines.ingestion.data_docs import WantedDocs
    from pipelines.ingestion.errors import IngestionError
    from pipelines.ingestion.importer import ImportRequest, import_file
    from pipelines.ingestion.mapping_files import load_mapping
    from pipelines.ingestion.recognition import recognise
    from pipelines.ingestion.screens import bars, console, show_summary

    settings = load_settings()
    chosen = load_mapping(mapping) if mapping else None
    docs = WantedDocs(settings.data_dir / "data_docs") if data_docs else None
    is_well = True
    for path in files:
        try:
            request = ImportRequest(path, chosen or recognise(path), cohort or None, user or None, tz or None)
            with bars() as drawn:
                summary = import_file(
                    request,
                    postgres_url=settings.need("postgres_url"),
                    data_key=settings.need("data_key"),
                    progress=drawn,
                    docs=docs,
                )
        except ServiceUnavailableError:
            raise
        except IngestionError as error:
            # The next file may be fine.
            console.print(f"[bold red]failed[/] {error}")
            is_well = False
            continue
        show_summary(summary)
        is_well = is_well and summary.held_back_because is None
    if docs is not None:
        console.print(f"Data Docs: {docs.folder / 'index.html'}", style="dim")
    if not is_well:
        raise typer.Exit(1)


def mappings() -> None:
    """List the mappings that come with AURORA."""
    from pipelines.ingestion.mapping_files import load_mapping, mapping_names
    from pipelines.ingestion.screens import show_mappings

    show_mappings(map(load_mapping, mapping_names()))


def simulate(
    users: Annotated[int, typer.Option(help="How many people")] = 200,
    days: Annotated[int, typer.Option(help="How many days of their lives")] = 120,
    seed: Annotated[int, typer.Option(help="The same seed gives the same people")] = 7,
    ends_on: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Last day; else as before, or yesterday")
    ] = None,
    until: Annotated[
        str,
        typer.Option(
            help="Tell of the last day up to this instant (UTC) and nothing later: `now`, 2026-11-22T14:30"
        ),
    ] = "",
) -> None:
    """Simulate people with known causes and a known noise ceiling, and import their events."""
    from pipelines.ingestion.screens import bars, show_ceiling, show_summary
    from pipelines.ingestion.simulated_people import import_simulation, plan_simulation, write_simulation

    settings = load_settings()
    postgres_url, data_key = settings.need("postgres_url"), settings.need("data_key")
    last: date | None = ends_on.date() if ends_on else None
    spec = plan_simulation(
        postgres_url,
        settings.data_dir,
        users=users,
        days=days,
        seed=seed,
        ends_on=last,
        until=_instant(until) if until else None,
    )
    with bars() as drawn:
        drawn.begin("simulate", spec.users)
        simulation = write_simulation(spec, settings.data_dir, lambda done, _: drawn.reach(done))
    show_ceiling(simulation)
    with bars() as drawn:
        summary = import_simulation(
            simulation,
            postgres_url=postgres_url,
            data_key=data_key,
            data_dir=settings.data_dir,
            progress=drawn,
        )
    show_summary(summary)
    if summary.held_back_because is not None:
        raise typer.Exit(1)


def _instant(text: str) -> datetime:
    if text == "now":
        return clock.now().replace(microsecond=0)
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(f"{text!r} is neither `now` nor an instant like 2026-11-22T14:30") from None
    in_some_zone = instant if instant.tzinfo else instant.replace(tzinfo=UTC)
    return datetime.fromtimestamp(in_some_zone.timestamp(), UTC)
