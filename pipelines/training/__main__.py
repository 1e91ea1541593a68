"""`python -m pipelines.training`: one training of one model, as `mlflow run ./mlflow` starts it."""

from __future__ import annotations

import argparse
import sys
from datetime import UTC, datetime

import psycopg

from aurora.errors import AuroraError
from aurora.settings import load_settings
from pipelines.training.engines import engine_of
from pipelines.training.training import train_model


def main() -> int:
    """Train; 0 when a model was registered, whatever the gate made of it."""
    parser = argparse.ArgumentParser(prog="python -m pipelines.training", description=__doc__)
    parser.add_argument("--model", default="energy")
    parser.add_argument("--cohort", default="real")
    parser.add_argument("--as-of", default="now", help="an ISO 8601 instant, or now")
    asked = parser.parse_args()
    settings = load_settings()
    try:
        with (
            psycopg.connect(settings.need("postgres_url"), autocommit=True) as connection,
            engine_of(settings) as engine,
        ):
            report = train_model(
                connection,
                asked.model,
                asked.cohort,
                mlflow_uri=settings.need("mlflow_uri"),
                engine=engine,
                until=None if asked.as_of == "now" else _instant(asked.as_of),
            )
    except AuroraError as error:
        sys.stderr.write(f"error: {error}\n")
        return 1
    sys.stdout.write(f"{report.registered_name} {report.version or ''}: {report.outcome}\n")
    sys.stdout.writelines(f"  {sentence}\n" for sentence in report.sentences)
    return 0 if report.version else 1


def _instant(text: str) -> datetime:
    instant = datetime.fromisoformat(text)
    return instant if instant.tzinfo else instant.replace(tzinfo=UTC)


if __name__ == "__main__":
    sys.exit(main())
