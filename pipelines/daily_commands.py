"""`aurora daily`: run the daily job here and now, and tell what it did."""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import redirect_stderr
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.markdown import Markdown
from rich.status import Status
from rich.table import Table

from aurora import clock
from aurora.settings import load_settings

if TYPE_CHECKING:
    from pipelines.daily import DailyReport, StepState


def register_daily(app: typer.Typer) -> None:
    """Add `aurora daily`."""

    @app.command()
    def daily(
        day: Annotated[
            datetime | None,
            typer.Option(formats=["%Y-%m-%d"], help="Arrival day (UTC); today when not given"),
        ] = None,
        cohort: Annotated[
            str | None, typer.Option(help="Train and predict for this cohort only; all when not given")
        ] = None,
        as_of: Annotated[
            datetime | None,
            typer.Option(help="As if it were this instant (UTC): replays --cohort on its own dates"),
        ] = None,
    ) -> None:
        """Ingest what landed, build the warehouse, train, judge, predict: what runs at 02:00 UTC by itself."""
        console = Console()
        settings = load_settings()
        settings.need("postgres_url")
        settings.need("mlflow_uri")
        steps = _StepsTold(console)
        log_file = settings.data_dir / "logs" / "daily.log"
        log_file.parent.mkdir(parents=True, exist_ok=True)
        # MLflow and dbt talk on standard error: kept, but not between the lines of a person's terminal.
        with (
            log_file.open("a", encoding="utf-8") as said,
            redirect_stderr(said),
            console.status("loading the pipelines") as steps.status,
        ):
            from pipelines.daily import run_daily_job

            arrival = day.date() if day else clock.now().date()
            instant = as_of.replace(tzinfo=UTC) if as_of else None
            report = run_daily_job(arrival, settings, steps, as_of=instant, cohort=cohort)
        _tell(console, report)


class _StepsTold:
    """Says which step runs, and how long each took that took long."""

    def __init__(self, console: Console) -> None:
        self.status: Status | None = None
        self._console = console
        self._began: dict[str, float] = {}

    def __call__(self, step: str, state: StepState) -> None:
        if state == "started":
            self._began[step] = time.monotonic()
            if self.status is not None:
                self.status.update(f"{step} …")
            return
        seconds = time.monotonic() - self._began.get(step, time.monotonic())
        if seconds > 1 or state == "failed":
            outcome = "[red]failed[/]" if state == "failed" else state
            self._console.print(f"  {step:<36} {outcome} after {seconds:.0f} s", highlight=False)


def _tell(console: Console, report: DailyReport) -> None:
    table = Table("asset", "rows", title="What the daily job left behind", title_justify="left")
    table.columns[1].justify = "right"
    for key, rows in sorted(report.rows.items()):
        if key.split("/")[0] in {"raw", "features", "scores", "marts", "predictions"}:
            table.add_row(key, f"{rows:,}")
    console.print(table)
    for key, outcome in report.outcomes.items():
        console.print(f"[bold]{key}[/]")
        console.print(Markdown(outcome))
    for key, metrics in report.metrics.items():
        console.print(_beside_baselines(key, metrics))
    if report.checks_failed:
        console.print(f"[yellow]checks that did not pass:[/] {', '.join(report.checks_failed)}")
    console.print(f"{len(report.materialized)} assets materialized by run {report.run_id}.")


_HEADLINES = ("mae", "r2", "accuracy", "macro_f1")


def _beside_baselines(key: str, metrics: Mapping[str, float]) -> Table:
    """Metrics named cohort/metric/answerer, as one row per cohort and answerer."""
    rows: dict[tuple[str, str], dict[str, float]] = {}
    for name, value in metrics.items():
        cohort, metric, *answerer = name.split("/")
        if metric in _HEADLINES and len(answerer) == 1:
            rows.setdefault((cohort, answerer[0]), {})[metric] = value
    shown = [metric for metric in _HEADLINES if any(metric in row for row in rows.values())]
    table = Table("cohort", "answered by", *shown, title=f"{key}, on held-out days", title_justify="left")
    for (cohort, answerer), row in sorted(
        rows.items(), key=lambda entry: (entry[0][0], entry[0][1] != "model")
    ):
        name = f"[bold]{answerer}[/]" if answerer in {"model", "ceiling"} else answerer
        table.add_row(cohort, name, *(f"{row[metric]:.3f}" if metric in row else "" for metric in shown))
    return table
