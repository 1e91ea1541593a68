"""`aurora train` and `aurora publish-models`."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import psycopg
import typer
from rich.console import Console

from aurora.models.catalogue import MODELS
from aurora.settings import load_settings
from pipelines.training.metric_tables import metric_table
from pipelines.training.registry_commands import register_registry

if TYPE_CHECKING:
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
        """Train, judge and register models; the gate decides which of them serve."""
        from pipelines.training.engines import engine_of
        from pipelines.training.training import cohorts_with_labels, train_model

        settings, console = load_settings(), Console()
        until = as_of.replace(tzinfo=UTC) if as_of else None
        with (
            psycopg.connect(settings.need("postgres_url"), autocommit=True) as connection,
            engine_of(settings) as engine,
        ):
            for cohort_name in cohort or cohorts_with_labels(connection):
                for model_name in model or MODELS:
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


def _print(console: Console, report: TrainingReport) -> None:
    told = f" version {report.version}" if report.version else ""
    console.print(f"[bold]{report.registered_name}[/]{told}: {report.outcome.replace('_', ' ')}")
    for sentence in report.sentences:
        console.print(f"  {sentence}", highlight=False)
    if not report.metrics:
        return
    console.print(metric_table(report.model, report.metrics))
