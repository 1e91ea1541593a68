"""`python -m pipelines.training`: trains as `mlflow run ./mlflow` asks for it."""

from __future__ import annotations

import argparse
import sys
import traceback
from datetime import UTC, datetime

import psycopg

from aurora.errors import AuroraError
from aurora.settings import load_settings
from pipelines.each_cohort import Failure, Outcome, each_on_its_own
from pipelines.training.engines import engine_of
from pipelines.training.project_run import take_project_run
from pipelines.training.training import TrainingReport, cohorts_with_labels, train_model

ALL = "all"


def main() -> int:
    """Train; 0 when a model was registered, whatever the gate made of it, and no training ended in an error."""
    parser = argparse.ArgumentParser(prog="python -m pipelines.training", description=__doc__)
    parser.add_argument("--model", default="energy")
    parser.add_argument(
        "--cohort", default=ALL, help="all: every cohort that has ratings, one after the other"
    )
    parser.add_argument("--as-of", default="now", type=_instant, help="an ISO 8601 instant, or now")
    asked = parser.parse_args()
    try:
        trained = _train(asked.model, asked.cohort, asked.as_of)
    except AuroraError as error:
        sys.stderr.write(f"error: {error}\n")
        return 1
    if not trained.reports and not trained.failed:
        sys.stderr.write("error: no cohort has ratings yet\n")
    return 0 if any(report.version for report in trained.reports) and not trained.failed else 1


def _train(model: str, cohort: str, until: datetime | None) -> Outcome[TrainingReport]:
    settings = load_settings()
    with (
        psycopg.connect(settings.need("postgres_url"), autocommit=True) as connection,
        engine_of(settings) as engine,
    ):
        mlflow_uri = settings.need("mlflow_uri")
        cohorts = cohorts_with_labels(connection) if cohort == ALL else [cohort]
        project_run = take_project_run(mlflow_uri, model, is_alone=len(cohorts) == 1)

        def train(name: str) -> TrainingReport:
            report = train_model(connection, model, name, mlflow_uri=mlflow_uri, engine=engine, until=until)
            if project_run and report.run_id:
                project_run.is_parent_of(report.run_id)
            sys.stdout.write(f"{report.registered_name} {report.version or ''}: {report.outcome}\n")
            sys.stdout.writelines(f"  {sentence}\n" for sentence in report.sentences)
            return report

        return each_on_its_own("training", cohorts, train, on_failure=_tell)


def _tell(failure: Failure) -> None:
    if not isinstance(failure.error, AuroraError):
        traceback.print_exception(failure.error)
    sys.stderr.write(f"error: {failure.sentence}\n")


def _instant(text: str) -> datetime | None:
    if text == "now":
        return None
    instant = datetime.fromisoformat(text)
    return instant if instant.tzinfo else instant.replace(tzinfo=UTC)


if __name__ == "__main__":
    sys.exit(main())
