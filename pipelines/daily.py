"""`aurora daily`: the daily job in this process, on the Dagster instance of this installation.

The run shows up in Dagster's UI like any other. It can be repeated at will: a re-run builds what was touched.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Literal
from uuid import uuid4

import dagster as dg

from aurora.database.grants import DAGSTER
from aurora.errors import AuroraError
from aurora.secrets import role_password
from aurora.settings import Settings
from pipelines.addresses import pipelines_url
from pipelines.dagster_storage import PLANNED_AT_ONCE, keep_connections
from pipelines.resources import ReplayResource, default_resources

StepState = Literal["started", "done", "failed"]
OnStep = Callable[[str, StepState], None]
"""Called with a step's name and what became of it."""


class DailyRunFailedError(AuroraError):
    def __init__(self, steps: list[str], run_id: str) -> None:
        super().__init__(f"the daily run {run_id} failed in: {', '.join(steps)}; Dagster's UI shows why")


@dataclass
class DailyReport:
    """What the daily run did: its id, its steps, and what the assets said of themselves."""

    run_id: str
    materialized: list[str] = field(default_factory=list)
    checks_failed: list[str] = field(default_factory=list)
    rows: dict[str, int] = field(default_factory=dict)
    outcomes: dict[str, str] = field(default_factory=dict)
    metrics: dict[str, dict[str, float]] = field(default_factory=dict)


class ReplayWithoutCohortError(AuroraError):
    def __init__(self) -> None:
        super().__init__(
            "--as-of replays one cohort on its own dates: name it with --cohort (nobody else's now is meant)"
        )


def run_daily_job(
    day: date,
    settings: Settings,
    on_step: OnStep,
    *,
    as_of: datetime | None = None,
    cohort: str | None = None,
) -> DailyReport:
    """Run it for one arrival day, as the role of the pipelines: what dbt makes must be theirs.

    `as_of` replays `cohort` as if it were that instant: nothing later is trained on or predicted from.

    `on_step` hears of each step as it starts and ends. DailyRunFailedError names the steps that failed.
    """
    if as_of is not None and cohort is None:
        raise ReplayWithoutCohortError
    from pipelines.definitions import defs

    replay = ReplayResource(as_of=as_of.isoformat() if as_of else "", cohort=cohort or "")
    instance, run_id = dagster_instance(settings), str(uuid4())
    instance.add_event_listener(run_id, lambda entry: _hear(entry, on_step))
    result = defs.resolve_job_def("run_daily").execute_in_process(
        partition_key=day.isoformat(),
        instance=instance,
        run_id=run_id,
        run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
        resources=default_resources({"postgres_url": pipelines_url(settings)}, replay=replay),
        raise_on_error=False,
    )
    if not result.success:
        steps = [event.step_key or "?" for event in result.all_events if event.is_step_failure]
        raise DailyRunFailedError(steps, result.run_id)
    return _report(result)


def _hear(entry: dg.EventLogEntry, on_step: OnStep) -> None:
    event = entry.dagster_event
    if event is None or event.step_key is None:
        return
    if event.is_step_start:
        on_step(event.step_key, "started")
    elif event.is_step_success:
        on_step(event.step_key, "done")
    elif event.is_step_failure:
        on_step(event.step_key, "failed")


def dagster_instance(settings: Settings) -> dg.DagsterInstance:
    """The instance of `aurora up`, so that its UI shows the run; without one, an instance for this run only."""
    home = settings.data_dir / "dagster"
    if not (home / "dagster.yaml").is_file() or not settings.secret_key:
        return dg.DagsterInstance.ephemeral()
    # Dagster reads its home and the password in dagster.yaml from the environment and nowhere else.
    os.environ["DAGSTER_HOME"] = str(home)
    os.environ["AURORA_DAGSTER_PASSWORD"] = role_password(settings.secret_key, DAGSTER)
    os.environ["DAGSTER_EVENT_BATCH_SIZE"] = PLANNED_AT_ONCE
    instance = dg.DagsterInstance.get()
    keep_connections(instance)
    return instance


def _report(result: dg.ExecuteInProcessResult) -> DailyReport:
    report = DailyReport(result.run_id)
    passed: dict[dg.AssetCheckKey, bool] = {}
    for event in result.all_events:
        if event.event_type == dg.DagsterEventType.ASSET_CHECK_EVALUATION:
            # A step that was tried again has asked again: its last word counts.
            check = event.asset_check_evaluation_data
            passed[check.asset_check_key] = check.passed
        if not event.is_step_materialization or event.asset_key is None:
            continue
        key = event.asset_key.to_user_string()
        report.materialized.append(key)
        for name, value in event.step_materialization_data.materialization.metadata.items():
            if name == "dagster/row_count":
                report.rows[key] = int(str(value.value))
            elif name == "outcome":
                report.outcomes[key] = str(value.value)
            elif isinstance(value, dg.FloatMetadataValue) and value.value is not None and "/" in name:
                report.metrics.setdefault(key, {})[name] = value.value
    report.checks_failed += [check.name for check, is_good in passed.items() if not is_good]
    return report
