"""One training in MLflow: parameters, tags, data sets, metrics beside baselines, plots, the model card, and the
registered model.

Metrics are called `<metric>/<answerer>`, so that MLflow draws each metric with the model and every baseline
side by side. MLflow is imported inside the functions: it is slow to load and only training needs it.
"""

from __future__ import annotations

import tempfile
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

import aurora
from aurora.errors import ServiceUnavailableError
from pipelines.training.candidate import Candidate, Judgement, describe, describe_target
from pipelines.training.champion import (
    EVALUATION_FOLDER,
    HELD_OUT_FILE,
    MODEL_CARD_FILE,
    PREDICTOR_FILE,
)
from pipelines.training.choosing import budget_of
from pipelines.training.evaluation import as_frame
from pipelines.training.model_card.rendering import card_html
from pipelines.training.plots import draw_plots

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.models import ModelSignature

LEAK_TAG = "leak"
OVERTAKEN = "overtaken"

# What `final_answer_model.py` imports; the kernel itself travels with the model.
_REQUIREMENTS = ("mlflow", "numpy", "pandas", "pydantic", "tzdata", "lightgbm", "xgboost-cpu")


@dataclass(frozen=True)
class Registered:
    """Where a candidate lies in MLflow."""

    name: str
    version: str
    run_id: str


def connect(mlflow_uri: str) -> MlflowClient:
    """A client of the tracking server; ServiceUnavailableError when nobody answers there."""
    import mlflow

    if mlflow_uri.startswith("http"):
        import requests

        # MLflow itself retries for minutes before it says that nobody is there.
        try:
            requests.get(f"{mlflow_uri.rstrip('/')}/health", timeout=5).raise_for_status()
        except requests.RequestException as error:
            raise ServiceUnavailableError("MLflow", str(error)) from error
    mlflow.set_tracking_uri(mlflow_uri)
    mlflow.set_registry_uri(mlflow_uri)
    return mlflow.MlflowClient()


def log_candidate(
    candidate: Candidate,
    judgement: Judgement,
    *,
    name: str,
    tags: Mapping[str, str],
    extra_metrics: Mapping[str, float],
) -> Registered:
    """Write one run and register its model under `name`. Call `connect` first."""
    import mlflow

    rows, spec = candidate.rows, candidate.rows.spec
    mlflow.set_experiment(spec.name)
    # Without it the UI takes an experiment for one of language models and opens it at their traces.
    mlflow.set_experiment_tag("mlflow.experimentKind", "custom_model_development")
    mlflow.set_experiment_tag("mlflow.note.content", describe_target(spec))
    day = datetime.fromtimestamp(rows.until, UTC).date()
    with mlflow.start_run(
        run_name=f"{rows.cohort} {day}", tags=_tags(candidate, judgement) | dict(tags)
    ) as run:
        mlflow.log_params(_params(candidate))
        metrics = candidate.metrics | dict(extra_metrics) | lift_metrics(judgement)
        mlflow.log_metrics(metrics)
        mlflow.log_input(_dataset(candidate), context="training")
        mlflow.set_tag("mlflow.note.content", describe(candidate, judgement))
        _log_evaluation(candidate)
        git_sha = tags.get("git_sha", "unknown")
        card = card_html(candidate, judgement, metrics, name=name, git_sha=git_sha)
        mlflow.log_text(card, f"{EVALUATION_FOLDER}/{MODEL_CARD_FILE}")
        with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
            path = Path(folder, PREDICTOR_FILE)
            path.write_bytes(candidate.artifact)
            # The signature is given: type hints, which MLflow asks for, would replace it.
            warnings.filterwarnings("ignore", message=".*type hints")
            model = mlflow.pyfunc.log_model(
                name="model",
                python_model=str(Path(__file__).with_name("final_answer_model.py")),
                artifacts={"predictor": str(path)},
                code_paths=[str(Path(aurora.__file__).parent)],
                pip_requirements=[f"{package}=={version(package)}" for package in _REQUIREMENTS],
                signature=signature_of(candidate),
                input_example=_example(candidate),
                registered_model_name=name,
            )
        client = mlflow.MlflowClient()
        client.update_registered_model(name, f"Of cohort `{rows.cohort}`. {describe_target(spec)}")
        client.set_registered_model_tag(name, "cohort", rows.cohort)
        number = str(model.registered_model_version)
        client.update_model_version(name, number, describe(candidate, judgement))
        for key, value in (_tags(candidate, judgement) | dict(tags)).items():
            client.set_model_version_tag(name, number, key, value)
        return Registered(name, number, run.info.run_id)


def tell_overtaken(client: MlflowClient, registered: Registered, sentence: str) -> None:
    """Say of a version that the gate let through why it is not champion all the same. Its card has the gate's words."""
    described = client.get_model_version(registered.name, registered.version).description or ""
    told = f"**Not champion**: {sentence}.\n\n{described}"
    client.update_model_version(registered.name, registered.version, told)
    client.set_tag(registered.run_id, "mlflow.note.content", told)
    client.set_tag(registered.run_id, "gate", OVERTAKEN)
    client.set_model_version_tag(registered.name, registered.version, "gate", OVERTAKEN)


def lift_metrics(judgement: Judgement) -> dict[str, float]:
    """The lift and its interval, overall and by slice."""
    lift = judgement.lift
    metrics = {"lift/mean": lift.mean, "lift/lower": lift.lower, "lift/upper": lift.upper}
    return metrics | {f"slice_lift/{name}": part.mean for name, part in judgement.slices.items()}


def signature_of(candidate: Candidate) -> ModelSignature:
    """Every input is a double and may be absent: missing is a value that the model understands."""
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, DataType, Schema

    metadata = candidate.fitted.metadata
    inputs = [ColSpec(DataType.double, name, required=False) for name in metadata.columns]
    outputs = [ColSpec(DataType.double, name) for name in ("value", "lower", "upper", "baseline")]
    outputs.append(ColSpec(DataType.string, "answered_by"))
    if metadata.classes:
        outputs.append(ColSpec(DataType.string, "class"))
        outputs += [ColSpec(DataType.double, f"p_{name}") for name in metadata.classes]
    return ModelSignature(inputs=Schema(inputs), outputs=Schema(outputs))  # type: ignore[arg-type]  # ColSpec is a column


def _example(candidate: Candidate) -> Any:
    """Three rows of nobody: the quartiles of each column. A person's own would outlive their erasure here."""
    columns = candidate.rows.frame(candidate.fitted.metadata.columns)
    quartiles = [
        columns.select(pl.all().cast(pl.Float64).quantile(share, "linear")) for share in (0.25, 0.5, 0.75)
    ]
    return pl.concat(quartiles).to_pandas().astype("float64")


def _params(candidate: Candidate) -> dict[str, Any]:
    spec, choices = candidate.rows.spec, candidate.fitted.choices
    return {
        **spec.params,
        "rows": candidate.fitted.metadata.trained["rows"],
        "people": candidate.fitted.metadata.trained["people"],
        "rounds": choices.rounds,
        "lines": choices.has_lines,
        "offset_penalty": choices.offset_penalty or "none",
        "tuning_budget": budget_of(spec, candidate.fitted.metadata.trained["rows"]),
        "seed": spec.seed,
        "train_window_days": spec.train_window_days,
        "held_out_days": candidate.plan.held_out_days or "all",
        "step_days": candidate.plan.step_days,
        "baseline": spec.baseline_name,
        **({"start": choices.start} if spec.kind == "classes" else {}),
    }


def _tags(candidate: Candidate, judgement: Judgement) -> dict[str, str]:
    metadata, rows = candidate.fitted.metadata, candidate.rows
    return {
        "cohort": rows.cohort,
        "artifact_megabytes": f"{candidate.footprint.megabytes:.2f}",
        "answer_milliseconds": f"{candidate.footprint.milliseconds:.1f}",
        "recipe": metadata.recipe,
        "fingerprint": metadata.fingerprint,
        "feature_set": metadata.feature_set,
        "feature_set_version": metadata.feature_set_version,
        "data_version": rows.data_version,
        "data_window": rows.window(),
        "judged_against": judgement.reference,
        "gate": "promoted" if judgement.verdict.promoted else "refused",
        "gate_reason": judgement.verdict.reason[:4000],
        LEAK_TAG: "suspected" if judgement.verdict.suspects_leak else "none seen",
    }


def _dataset(candidate: Candidate) -> Any:
    """The training rows as an MLflow data set, without ids of people or labels."""
    from mlflow.data.code_dataset_source import CodeDatasetSource
    from mlflow.data.pandas_dataset import from_pandas

    rows = candidate.rows
    frame = rows.frame(rows.spec.columns).insert_column(0, pl.Series("value", rows.values)).to_pandas()
    source = CodeDatasetSource(
        {"table": f"features.moment_{rows.spec.feature_set}_features", "cohort": rows.cohort}
    )
    # The digest that MLflow would compute knows nothing of a formula that changed.
    return from_pandas(
        frame,
        source=source,
        targets="value",
        name=f"{rows.spec.name} {rows.cohort}",
        digest=rows.data_version,
    )


def _log_evaluation(candidate: Candidate) -> None:
    import mlflow

    for name, figure in draw_plots(candidate.held_out, candidate.metrics).items():
        mlflow.log_figure(figure, f"{EVALUATION_FOLDER}/{name}.png")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, HELD_OUT_FILE)
        as_frame(candidate.held_out).write_parquet(path)
        mlflow.log_artifact(str(path), EVALUATION_FOLDER)
