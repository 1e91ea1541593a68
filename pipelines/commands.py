"""The sub-commands that `pipelines` adds to the `aurora` command, one module per verb."""

from __future__ import annotations

import typer

from pipelines.daily_commands import register_daily
from pipelines.ingestion.archive_commands import register_archive
from pipelines.ingestion.commands import register_ingestion
from pipelines.ingestion.dead_letter_commands import register_dead_letters
from pipelines.ingestion.local_day_commands import register_local_days
from pipelines.prediction.commands import register_prediction
from pipelines.training.commands import register_training
from pipelines.transformation.analyst_commands import register_analyst
from pipelines.transformation.commands import register_transformation
from pipelines.transformation.pattern_commands import register_patterns
from pipelines.transformation.reading_commands import register_reading


def register(app: typer.Typer) -> None:
    """Add this package's sub-commands to the `aurora` command."""
    register_ingestion(app)
    register_dead_letters(app)
    register_archive(app)
    register_local_days(app)
    register_training(app)
    register_prediction(app)
    register_daily(app)
    register_transformation(app)
    register_patterns(app)
    register_reading(app)
    register_analyst(app)
