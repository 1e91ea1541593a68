"""Jobs by which a person moves the champion from Dagster's launchpad, as `aurora promote` and `aurora rollback` do."""

# Without postponed annotations: Dagster reads those of an op as it is defined.
from typing import TYPE_CHECKING, Final

import dagster as dg
from pydantic import Field

from aurora.models.catalogue import REAL_COHORT
from pipelines.resources import PostgresResource, SettingsResource

if TYPE_CHECKING:
    from pipelines.training.promotion import ChampionMove


class RollbackConfig(dg.Config):
    """Which model, and why."""

    model: str = Field(description="energy or mood")
    cohort: str = REAL_COHORT
    because: str = Field(description="Why, for the history")


class PromotionConfig(RollbackConfig):
    """The same, and which version."""

    version: int | None = Field(default=None, description="The challenger when not given")
    force: bool = Field(default=False, description="Also a version that smells of a leak")


@dg.op
def promote_version(
    context: dg.OpExecutionContext,
    config: PromotionConfig,
    settings: SettingsResource,
    postgres: PostgresResource,
) -> None:
    """Make a version champion by hand."""
    from pipelines.training.promotion import promote

    with postgres.connect(autocommit=True) as connection:
        moved = promote(
            connection,
            config.model,
            config.cohort,
            mlflow_uri=settings.load().need("mlflow_uri"),
            because=config.because,
            version=str(config.version) if config.version else None,
            dagster_run_id=context.run_id,
            force=config.force,
        )
    _tell(context, moved)


@dg.op
def put_back_version(
    context: dg.OpExecutionContext,
    config: RollbackConfig,
    settings: SettingsResource,
    postgres: PostgresResource,
) -> None:
    """Put back the champion before the present one."""
    from pipelines.training.promotion import roll_back

    with postgres.connect(autocommit=True) as connection:
        moved = roll_back(
            connection,
            config.model,
            config.cohort,
            mlflow_uri=settings.load().need("mlflow_uri"),
            because=config.because,
            dagster_run_id=context.run_id,
        )
    _tell(context, moved)


def _tell(context: dg.OpExecutionContext, moved: "ChampionMove") -> None:
    context.log.info(
        "%s: champion is version %s, was %s", moved.name, moved.version, moved.previous or "none"
    )
    for problem in moved.problems:
        context.log.warning("%s", problem)


@dg.job(description="Make a version champion by hand.", executor_def=dg.in_process_executor)
def promote_model() -> None:
    promote_version()


@dg.job(
    description="Put back the version that was champion before; again, the one before that.",
    executor_def=dg.in_process_executor,
)
def roll_back_model() -> None:
    put_back_version()


TRAINING_JOBS: Final = [promote_model, roll_back_model]
