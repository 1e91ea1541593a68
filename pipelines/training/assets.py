"""The asset of training: one registered model per target, with what the gate said of it.

Training tracks itself in MLflow. The asset's job is to run it for every cohort that has ratings, to publish
what the aliases point at, and to show the outcome beside the baselines. A cohort that cannot be trained turns a check
red and keeps the model that it had: the others get theirs, and everybody their predictions.
"""

# Without postponed annotations: Dagster reads those of an asset as it is defined.
from typing import TYPE_CHECKING, Any, Final

import dagster as dg

from aurora.models.catalogue import MODELS, ModelSpec, registered_name
from pipelines.pools import TRAINING
from pipelines.quality import ERROR, of_every_cohort, promise
from pipelines.resources import PostgresResource, ReplayResource, SettingsResource

if TYPE_CHECKING:
    from pipelines.each_cohort import Failure, Outcome
    from pipelines.training.training import TrainingReport

GROUP: Final = "models"
OWNERS: Final = ("team:ml-engineering",)
MAX_RUNTIME: Final = {"dagster/max_runtime": "3600"}
# When not a single cohort could be trained. MLflow restarting is the usual reason to try again.
RETRIES: Final = dg.RetryPolicy(max_retries=2, delay=15, backoff=dg.Backoff.EXPONENTIAL)
ATTEMPTS: Final = 2
"""Of a cohort, when others could be trained."""


def model_key(model: str) -> dg.AssetKey:
    """The address of a model in Dagster, whichever cohort it serves."""
    return dg.AssetKey(["models", model])


def _model_asset(spec: ModelSpec) -> dg.AssetsDefinition:
    @dg.asset(
        key=model_key(spec.name),
        group_name=GROUP,
        owners=list(OWNERS),
        kinds={"mlflow", "xgboost" if spec.kind == "regression" else "lightgbm"},
        deps=[
            dg.AssetKey(["features", f"moment_{spec.feature_set}_features"]),
            dg.AssetKey(["intermediate", "int_labels"]),
        ],
        retry_policy=RETRIES,
        pool=TRAINING,
        op_tags=MAX_RUNTIME,
        check_specs=[_trained_check(spec)],
        description=(
            f"The {spec.name} model of every cohort with ratings: trained on the last {spec.train_window_days} "
            "days, judged by the gate, tracked and registered in MLflow. One registered model per cohort."
        ),
    )
    def train(
        context: dg.AssetExecutionContext,
        settings: SettingsResource,
        postgres: PostgresResource,
        replay: ReplayResource,
    ) -> dg.MaterializeResult:
        from pipelines.each_cohort import each_on_its_own
        from pipelines.training.engines import engine_of
        from pipelines.training.publishing import publish_aliases
        from pipelines.training.training import TrainingReport, cohorts_with_labels, train_model

        loaded = settings.load()
        mlflow_uri = loaded.need("mlflow_uri")
        with postgres.connect() as connection:
            cohorts = list(filter(replay.is_meant, cohorts_with_labels(connection)))

        def train_one(cohort: str) -> TrainingReport:
            # On a connection of its own: the next cohort must not inherit a broken one.
            with postgres.connect(autocommit=True) as connection:
                report = train_model(
                    connection,
                    spec.name,
                    cohort,
                    mlflow_uri=mlflow_uri,
                    engine=engine,
                    until=replay.until,
                    tags={"dagster_run_id": context.run_id},
                )
            context.log.info("%s: %s", report.registered_name, report.outcome)
            return report

        def tell(failure: "Failure") -> None:
            context.log.error("%s", failure.sentence, exc_info=failure.error)

        with engine_of(loaded) as engine:
            trained = each_on_its_own("training", cohorts, train_one, on_failure=tell, attempts=ATTEMPTS)
        if trained.failed and not trained.reports:
            raise trained.failed[0].error
        with postgres.connect(autocommit=True) as connection:
            published = publish_aliases(connection, mlflow_uri)
        for problem in published.problems:
            context.log.warning("%s", problem)
        return dg.MaterializeResult(
            metadata=_metadata(spec, trained, mlflow_uri),
            check_results=[of_every_cohort(_trained_check(spec), trained)],
        )

    return train


def _trained_check(spec: ModelSpec) -> dg.AssetCheckSpec:
    return dg.AssetCheckSpec(
        name=f"{spec.name}_was_trained_for_every_cohort",
        asset=model_key(spec.name),
        metadata=promise(
            ERROR,
            "The step's log has the error. Whoever is in that cohort is answered by the model it had, or by a "
            f"baseline. When it is mended: `aurora train --model {spec.name} --cohort COHORT`.",
        ),
        description="The training of no cohort ended in an error. Too few ratings, or a refusal by the gate, is none.",
    )


def _metadata(spec: ModelSpec, trained: "Outcome[TrainingReport]", mlflow_uri: str) -> dict[str, Any]:
    metadata: dict[str, Any] = {
        "mlflow": dg.MetadataValue.url(mlflow_uri),
        "models": len(trained.reports),
        "failed": len(trained.failed),
    }
    lines = ["| model | outcome | rows | people | why |", "|---|---|--:|--:|---|"]
    lines += [
        f"| {registered_name(spec.name, failure.cohort)} | failed | – | – | {_cell(failure.sentence)} |"
        for failure in trained.failed
    ]
    for report in trained.reports:
        why = _cell(" ".join(report.sentences))
        lines.append(
            f"| {report.registered_name} | {report.outcome} | {report.rows:,} | {report.people} | {why} |"
        )
        for name, value in report.metrics.items():
            # Hundreds of figures by slice and answerer are MLflow's to show.
            if not name.startswith("slice_"):
                metadata[f"{report.cohort}/{name}"] = dg.MetadataValue.float(float(value))
    metadata["outcome"] = dg.MetadataValue.md("\n".join(lines))
    return metadata


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _check(spec: ModelSpec) -> dg.AssetChecksDefinition:
    @dg.asset_check(
        asset=model_key(spec.name),
        name=f"every_{spec.name}_champion_is_published",
        metadata=promise(ERROR, "Is MLflow up? publish_models_when_alias_moves tries again each minute."),
        description="Each champion's artifact is in Postgres, where serving and streams load it from.",
    )
    def check(postgres: PostgresResource) -> dg.AssetCheckResult:
        with postgres.connect() as connection:
            row = connection.execute(
                "select count(*), count(*) filter (where artifacts.sha256 is null)"
                " from predictions.model_aliases as aliases"
                " left join predictions.model_artifacts as artifacts using (model_name, model_version)"
                " where aliases.alias = 'champion' and split_part(aliases.model_name, '.', 1) = %s",
                (spec.name,),
            ).fetchone()
        champions, missing = row or (0, 0)
        return dg.AssetCheckResult(
            passed=missing == 0,
            metadata={"champions": champions, "without_artifact": missing},
        )

    return check


MODEL_ASSETS: Final = [_model_asset(spec) for spec in MODELS.values()]
MODEL_CHECKS: Final = [_check(spec) for spec in MODELS.values()]
