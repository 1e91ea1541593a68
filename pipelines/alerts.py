"""Alerts: who hears when a run fails, or when a check goes red that fails no run.

Three ways at once, each harmless when it is not set up: a structured log line, the metric
`aurora_pipelines_failed_runs_total` in the API's `/metrics`, and a message to everybody in `AURORA_ALERT_URLS`
(mail, chat, webhook), which Apprise sends. A message names the job, the run and the steps, and never a row.
"""

# Without postponed annotations: Dagster reads those of a sensor as it is defined.
from collections.abc import Iterable, Sequence
from typing import Final

import dagster as dg
import structlog

from aurora.settings import Settings
from pipelines.failure_metrics import count_failure
from pipelines.resources import SettingsResource

log = structlog.get_logger(__name__)

_SHOWN: Final = 20


def tell(title: str, body: str, settings: Settings) -> bool | None:
    """Send a message to all who are to hear of it: whether everybody got it, None when nobody is set up."""
    addresses = settings.alert_urls.split()
    if not addresses:
        return None
    import apprise

    sender = apprise.Apprise()
    for address in addresses:
        if not sender.add(address):
            # The address may hold a password: only its kind is named.
            log.error("alert_address_not_understood", kind=address.partition(":")[0])
    return bool(sender.notify(title=title, body=body))


def report_failed_run(job: str, run_id: str, reason: str, settings: Settings) -> None:
    """Say in all three ways that a run failed."""
    log.error("run_failed", run_id=run_id, job=job, reason=reason)
    count_failure("runs", job, settings.data_dir)
    _tell(f"AURORA: {job} failed", [reason, *_link(run_id, settings)], settings)


def report_red_checks(
    job: str, run_id: str, red: Iterable[dg.AssetCheckEvaluation], settings: Settings
) -> None:
    """Say in all three ways which checks went red in a run that succeeded."""
    names = sorted(f"{check.asset_key.to_user_string()}: {check.check_name}" for check in red)
    for name in names:
        log.error("check_failed", run_id=run_id, job=job, check=name)
    count_failure("checks", job, settings.data_dir, len(names))
    more = [f"and {len(names) - _SHOWN} more"] if len(names) > _SHOWN else []
    _tell(
        f"AURORA: {len(names)} checks are red after {job}",
        [*names[:_SHOWN], *more, *_link(run_id, settings)],
        settings,
    )


def _tell(title: str, lines: Sequence[str], settings: Settings) -> None:
    # A sensor that raises is tried again, and would count the same failure twice.
    try:
        got_it = tell(title, "\n".join(lines), settings)
    except Exception as error:  # noqa: BLE001  # whatever a service on the other side makes of it
        log.error("alert_not_sent", reason=type(error).__name__)
        return
    if got_it is False:
        log.error("alert_not_sent", reason="not every address took it")


def _link(run_id: str, settings: Settings) -> list[str]:
    return [f"{settings.dagster_url}/runs/{run_id}" if settings.dagster_url else f"run {run_id}"]


@dg.run_failure_sensor(
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Tells the log, the metrics and AURORA_ALERT_URLS of every failed run.",
)
def alert_when_run_fails(context: dg.RunFailureSensorContext, settings: SettingsResource) -> None:
    """Every job's failed runs, those begun by hand as well."""
    run = context.dagster_run
    report_failed_run(run.job_name, run.run_id, context.failure_event.message or "no reason", settings.load())


@dg.run_status_sensor(
    run_status=dg.DagsterRunStatus.SUCCESS,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Tells of checks with severity ERROR that went red in a run that succeeded all the same.",
)
def alert_when_check_fails(context: dg.RunStatusSensorContext, settings: SettingsResource) -> None:
    """A check that blocks nothing fails no run: without this nobody would hear of it."""
    run = context.dagster_run
    records = context.instance.get_records_for_run(
        run.run_id, of_type=dg.DagsterEventType.ASSET_CHECK_EVALUATION
    ).records
    evaluations = [
        record.event_log_entry.dagster_event.asset_check_evaluation_data
        for record in records
        if record.event_log_entry.dagster_event is not None
    ]
    red = [
        check for check in evaluations if not check.passed and check.severity == dg.AssetCheckSeverity.ERROR
    ]
    if red:
        report_red_checks(run.job_name, run.run_id, red, settings.load())


ALERT_SENSORS: Final = [alert_when_run_fails, alert_when_check_fails]
