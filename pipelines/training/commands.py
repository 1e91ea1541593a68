"""`aurora train` and `aurora publish-models`."""

from __future__ import annotations

import traceback
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Annotated

import psycopg
import typer
from rich.console import Console

from aurora.errors import AuroraError
from aurora.models.catalogue import MODELS
from aurora.settings import load_settings
from pipelines.training.metric_tables import metric_table
from pipelines.training.registry_commands import register_registry

if TYPE_CHECKING:
    from pipelines.each_cohort import Failure
    from pipelines.training.training import TrainingReport


def register_training(app: typer.Typer) -> None:
    """Add the commands of training and of the registry."""
    register_registry(app)

    @app.command()
    def train(
        model: Annotated[list[str] | None, typer.Option(help="energy, mood; both when not given")] = None,
        cohort: Annotated[list[str] | None, typer.Option(help="all with labels when not given")] = None,
        as_of: Annotated[
            datetime | None, typer.Option(help="Train as if it were this instant (UTC): replays a cohort")
        ] = None,
    ) -> None:
        """Train, judge and register models; the gate decides which of them serve. An error ends one cohort's alone."""
        from pipelines.each_cohort import each_on_its_own
        from pipelines.training.engines import engine_of
        from pipelines.training.training import cohorts_with_labels, train_model

        settings, console = load_settings(), Console()
        until = as_of.replace(tzinfo=UTC) if as_of else None
        with (
            psycopg.connect(settings.need("postgres_url"), autocommit=True) as connection,
            engine_of(settings) as engine,
        ):

            def train_one(model_name: str, cohort_name: str) -> TrainingReport:
                with console.status(f"training {model_name} for cohort {cohort_name}"):
                    report = train_model(
                        connection,
                        model_name,
                        cohort_name,
                        mlflow_uri=settings.need("mlflow_uri"),
                        engine=engine,
                        until=until,
                    )
                _print(console, report)
                return report

            cohorts = cohort or cohorts_with_labels(connection)
            trained = [
                each_on_its_own(
                    "training", cohorts, partial(train_one, name), on_failure=partial(_tell, console)
                )
                for name in model or MODELS
            ]
        if any(each.failed for each in trained):
            raise typer.Exit(1)

    @app.command("publish-models")
    def publish_models() -> None:
        """Copy the models behind MLflow's aliases into Postgres, for serving and streams."""
        from pipelines.training.publishing import publish_aliases

        settings, console = load_settings(), Console()
        with psycopg.connect(settings.need("postgres_url"), autocommit=True) as connection:
            published = publish_aliases(connection, settings.need("mlflow_uri"))
        for move in published.moves:
            console.print(f"{move.name} {move.alias}: {move.previous or '–'} → {move.version or '–'}")
        for problem in published.problems:
            console.print(f"[red]{problem}[/]")
        if not published.moves and not published.problems:
            console.print("Postgres already agrees with MLflow.")


def _tell(console: Console, failure: Failure) -> None:
    if not isinstance(failure.error, AuroraError):
        traceback.print_exception(failure.error)
    console.print(f"[bold red]error[/] {failure.sentence}", highlight=False)


def _print(console: Console, report: TrainingReport) -> None:
    told = f" version {report.version}" if report.version else ""
    console.print(f"[bold]{report.registered_name}[/]{told}: {report.outcome.replace('_', ' ')}")
    for sentence in report.sentences:
        console.print(f"  {sentence}", highlight=False)
    if not report.metrics:
        return
    console.print(metric_table(report.model, report.metrics))
