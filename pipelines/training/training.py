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
from pipelines.training.alias_history import Cause, is_set_by_a_person, read_taken_back
from pipelines.training.candidate import Candidate, build_candidate, judge_candidate
from pipelines.training.ceiling import read_ceiling, skill_of
from pipelines.training.champion import Champion, read_champion, version_under
from pipelines.training.engines import IN_PROCESS, Engine
from pipelines.training.evaluation import evaluate
from pipelines.training.publishing import alone, move_alias, publish_aliases
from pipelines.training.rows import TrainingRows, read_training_rows
from pipelines.training.tracking import Registered, connect, log_candidate, tell_overtaken

if TYPE_CHECKING:
    from mlflow import MlflowClient

Outcome = Literal["promoted", "refused", "too_little_data"]

OVERTAKEN = "the champion was moved while this was trained, and stays"
KEPT = "challenger {} was put there by a person, and stays"


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
        kept = _challenger_of_a_person(connection, client, name, cause)
        is_champion = _move_aliases(
            client, registered, judgement.verdict, champion, cause, may_challenge=not kept
        )
        published = publish_aliases(connection, mlflow_uri)
    is_overtaken = judgement.verdict.promoted and not is_champion
    if is_overtaken:
        tell_overtaken(client, registered, OVERTAKEN)
    return TrainingReport(
        model=model,
        cohort=cohort,
        outcome="promoted" if is_champion else "refused",
        sentences=(
            *(check.sentence for check in judgement.verdict.checks),
            *([OVERTAKEN] if is_overtaken else []),
            *([KEPT.format(kept)] if kept else []),
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


def _challenger_of_a_person(
    connection: psycopg.Connection[Any], client: MlflowClient, name: str, cause: Cause
) -> str | None:
    """The challenger that a training must leave in the shadow; None when it may take the place."""
    challenger = version_under(client, name, CHALLENGER)
    if challenger is None or not is_set_by_a_person(connection, name, challenger, cause):
        return None
    return challenger


def _move_aliases(
    client: MlflowClient,
    registered: Registered,
    verdict: Verdict,
    judged: Champion | None,
    cause: Cause,
    *,
    may_challenge: bool,
) -> bool:
    """Promoted: champion. Refused: challenger, for comparison, unless it smells of a leak.

    Whether it is champion now. Somebody who moved the champion meanwhile knows more than a gate that did not
    judge against theirs. The challenger's place is left alone unless `may_challenge`.
    """
    before = judged.version if judged else None
    is_champion = verdict.promoted and version_under(client, registered.name, CHAMPION) == before
    if is_champion:
        move_alias(client, registered.name, CHAMPION, registered.version, cause)
    if may_challenge and (is_champion or not verdict.suspects_leak):
        move_alias(client, registered.name, CHALLENGER, None if is_champion else registered.version, cause)
    return is_champion
