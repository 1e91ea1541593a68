"""`aurora predict`."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import psycopg
import typer
from rich.console import Console

from aurora import clock
from aurora.models.catalogue import MODELS
from aurora.settings import load_settings


def register_prediction(app: typer.Typer) -> None:
    """Add the commands of batch prediction."""

    @app.command()
    def predict(
        model: Annotated[list[str] | None, typer.Option(help="energy, mood; both when not given")] = None,
        cohort: Annotated[list[str] | None, typer.Option(help="all with labels when not given")] = None,
        as_of: Annotated[
            datetime | None, typer.Option(help="Predict as if it were this instant (UTC): replays a cohort")
        ] = None,
    ) -> None:
        """Predict what everybody who is active would rate if they were asked now."""
        from pipelines.prediction.batch import predict_cohort
        from pipelines.training.training import cohorts_with_labels

        settings, console = load_settings(), Console()
        now = as_of.replace(tzinfo=UTC) if as_of else clock.now()
        with psycopg.connect(settings.need("postgres_url"), autocommit=True) as connection:
            for cohort_name in cohort or cohorts_with_labels(connection):
                for model_name in model or MODELS:
                    report = predict_cohort(
                        connection, model_name, cohort_name, as_of=now, threads=settings.threads
                    )
                    console.print(
                        f"[bold]{report.registered_name}[/]: {report.people} people, {report.by_model} by "
                        f"{'version ' + report.version if report.version else 'no model'}, "
                        f"{report.by_baseline} by a baseline, {report.by_nobody} without an answer; "
                        f"{report.written} rows new",
                        highlight=False,
                    )
                    if report.shadow.version:
                        console.print(f"  beside it, shown to nobody: version {report.shadow.version}")
                    elif report.shadow.problem:
                        console.print(f"  [yellow]the challenger did not answer: {report.shadow.problem}[/]")
