"""Train one model for one cohort: read, evaluate, refit, judge, register, publish. The daily job calls
this.
"""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

import psycopg
from psycopg.rows import tuple_row

from aurora.models.catalogue import ModelSpec, model_spec, registered_name
from aurora.models.folds import FoldPlan
from aurora.models.gate import Verdict
from aurora.predictions.storage import CHALLENGER, CHAMPION
from aurora.settings import PROJECT_DIR
from pipelines.training.alias_history import Cause, read_taken_back
from pipelines.training.candidate import Candidate, build_candidate, judge_candidate
from pipelines.training.ceiling import read_ceiling, skill_of
from pipelines.training.champion import Champion, read_champion, remove_challenger, version_under
from pipelines.training.engines import IN_PROCESS, Engine
from pipelines.training.evaluation import evaluate
from pipelines.training.publishing import alone, publish_aliases
from pipelines.training.rows import TrainingRows, read_training_rows
from pipelines.training.tracking import Registered, connect, log_candidate

if TYPE_CHECKING:
    from mlflow import MlflowClient

Outcome = Literal["promoted", "refused", "too_little_data"]

OVERTAKEN = "the champion was moved while this was trained: it stays, and this is the challenger"


@dataclass(frozen=True)
class TrainingReport:
    """What became of one training. Metrics are named `<metric>/<answerer>`, as in MLflow."""

    model: str
    cohort: str
    outcome: Outcome
    sentences: tuple[str, ...]
    registered_name: str
    version: str | None = None
    run_id: str | None = None
    reference: str | None = None
    rows: int = 0
    people: int = 0
    judged_rows: int = 0
    window: str = ""
    data_version: str = ""
    seconds: float = 0.0
    metrics: dict[str, float] = field(default_factory=dict)


def plan_for(cohort_kind: str) -> FoldPlan:
    """How days are held out: a finished study is judged over all of its days, living cohorts on the last
    four weeks.
    """
    return FoldPlan(held_out_days=None, step_days=28) if cohort_kind == "study" else FoldPlan()


def cohort_kind(connection: psycopg.Connection[Any], cohort: str) -> str:
    """ "real", "simulated" or "study"."""
    if cohort == "real":
        return "real"
    found = connection.execute("select 1 from raw.simulations where cohort = %s", [cohort]).fetchone()
    return "simulated" if found else "study"


def cohorts_with_labels(connection: psycopg.Connection[Any]) -> list[str]:
    """Every cohort that has a label, in a stable order: what the daily job trains for."""
    cursor = connection.cursor(row_factory=tuple_row)
    cursor.execute(
        """
        select distinct users.cohort
        from intermediate.int_labels as labels
        inner join app.users as users on users.user_id = labels.user_id
        where users.deleted_at is null
        order by 1
        """
    )
    return [cohort for (cohort,) in cursor.fetchall()]


def train_model(
    connection: psycopg.Connection[Any],
    model: str,
    cohort: str,
    *,
    mlflow_uri: str,
    engine: Engine = IN_PROCESS,
    until: datetime | None = None,
    plan: FoldPlan | None = None,
    tags: Mapping[str, str] | None = None,
    spec: ModelSpec | None = None,
) -> TrainingReport:
    """Train, judge and register a model; the gate alone decides whether its alias moves.

    `connection` should be in autocommit: nothing is held open while training runs. `engine` fits the boosters.
    `tags` (e.g. dagster_run_id) are added to the run. `spec` replaces the catalogue's recipe, to try another
    one.
    """
    started = time.monotonic()
    recipe = spec or model_spec(model)
    client = connect(mlflow_uri)
    rows = read_training_rows(connection, recipe, cohort, until=until)
    plan = plan or plan_for(cohort_kind(connection, cohort))
    name = registered_name(model, cohort)
    candidate = _candidate(rows, plan, engine)
    if candidate is None:
        sentence = f"{len(rows)} ratings of cohort {cohort} are too little to train on: the baseline answers"
        return TrainingReport(model, cohort, "too_little_data", (sentence,), name, rows=len(rows))
    ceiling = read_ceiling(connection, recipe, cohort, candidate.held_out)
    champion, taken_back = read_champion(client, name), read_taken_back(connection, name)
    judgement = judge_candidate(candidate, champion, ceiling, taken_back)
    extra = _ceiling_metrics(recipe, candidate, ceiling or {})
    registered = log_candidate(
        candidate,
        judgement,
        name=name,
        tags={"git_sha": git_sha(), "engine": engine.description, **(tags or {})},
        extra_metrics=extra,
    )
    cause = Cause(
        "gate", f"gate: {judgement.verdict.reason}", dagster_run_id=(tags or {}).get("dagster_run_id")
    )
    with alone(connection):
        is_champion = _move_aliases(client, registered, judgement.verdict, champion)
        causes = {(name, CHAMPION): cause, (name, CHALLENGER): cause}
        published = publish_aliases(connection, mlflow_uri, causes=causes)
    return TrainingReport(
        model=model,
        cohort=cohort,
        outcome="promoted" if is_champion else "refused",
        sentences=(
            *(check.sentence for check in judgement.verdict.checks),
            *([OVERTAKEN] if judgement.verdict.promoted and not is_champion else []),
            *published.problems,
        ),
        registered_name=name,
        version=registered.version,
        run_id=registered.run_id,
        reference=judgement.reference,
        rows=len(rows),
        people=len(rows.people),
        judged_rows=len(candidate.held_out.number),
        window=rows.window(),
        data_version=rows.data_version,
        seconds=time.monotonic() - started,
        metrics=candidate.metrics | extra,
    )


def git_sha() -> str:
    """The commit that runs, or "unknown" where there is no repository."""
    git = shutil.which("git")
    if git is None:
        return "unknown"
    asked = subprocess.run(  # noqa: S603  # a fixed command in our own folder
        [git, "rev-parse", "HEAD"], cwd=PROJECT_DIR, capture_output=True, text=True, check=False
    )
    return asked.stdout.strip() or "unknown"


def _candidate(rows: TrainingRows, plan: FoldPlan, engine: Engine) -> Candidate | None:
    held_out = evaluate(rows, plan, engine=engine) if len(rows) else None
    return build_candidate(rows, plan, held_out, engine=engine) if held_out is not None else None


def _ceiling_metrics(spec: ModelSpec, candidate: Candidate, ceiling: Mapping[str, float]) -> dict[str, float]:
    metrics = {f"{name}/ceiling": value for name, value in ceiling.items()}
    skills = skill_of(spec, candidate.metrics, ceiling)
    return metrics | {f"skill/{name}": value for name, value in skills.items()}


def _move_aliases(
    client: MlflowClient, registered: Registered, verdict: Verdict, judged: Champion | None
) -> bool:
    """Promoted: champion. Refused: challenger, for comparison, unless it smells of a leak.

    Whether it is champion now. Somebody who moved the champion meanwhile knows more than a gate that did not
    judge against theirs.
    """
    before = judged.version if judged else None
    if verdict.promoted and version_under(client, registered.name, CHAMPION) == before:
        client.set_registered_model_alias(registered.name, CHAMPION, registered.version)
        remove_challenger(client, registered.name)
        return True
    if not verdict.suspects_leak:
        client.set_registered_model_alias(registered.name, CHALLENGER, registered.version)
    return False
