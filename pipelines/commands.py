"""The sub-commands that `pipelines` adds to the `aurora` command, one module per verb."""

from __future__ import annotations

import typer

from pipelines.ingestion.commands import register_ingestion
from pipelines.prediction.commands import register_prediction
from pipelines.training.commands import register_training


def register(app: typer.Typer) -> None:
    """Add this package's sub-commands to the `aurora` command."""
    register_ingestion(app)
    register_training(app)
    register_prediction(app)
