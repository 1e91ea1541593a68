"""`aurora daily`: run the daily job here and now, and tell what it did."""

from __future__ import annotations

import time
from contextlib import redirect_stderr
from datetime import datetime
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
            report = run_daily_job(arrival, settings, steps)
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
    if report.checks_failed:
        console.print(f"[yellow]checks that did not pass:[/] {', '.join(report.checks_failed)}")
    console.print(f"{len(report.materialized)} assets materialized by run {report.run_id}.")
