"""A failed run and a red check reach a person: by message, in the metrics and in the log."""

# Without postponed annotations: Dagster reads those of a check as it is defined.
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
import structlog
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

from pipelines.alerts import alert_when_check_fails, alert_when_run_fails
from pipelines.resources import SettingsResource


@dataclass
class Hook:
    """A webhook that keeps what it is sent."""

    address: str = ""
    status: int = 200
    received: list[dict[str, Any]] = field(default_factory=list)


@pytest.fixture
def hook() -> Iterator[Hook]:
    hook = Hook()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:  # http.server's name
            hook.received.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(hook.status)
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # http.server's name
            del format, args

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    hook.address = f"json://127.0.0.1:{server.server_port}/alerts"
    yield hook
    server.shutdown()
    server.server_close()


@pytest.fixture
def overrides(tmp_path: Path, hook: Hook) -> dict[str, str]:
    return {"data_dir": str(tmp_path), "alert_urls": hook.address, "dagster_url": "http://dagster.example"}


@dg.asset
def things() -> None:
    """One row per thing."""
    raise ValueError("the well is dry")


@dg.asset_check(asset="things")
def things_are_red(context: dg.AssetCheckExecutionContext) -> dg.AssetCheckResult:
    """Red, with the severity that the run's tag names."""
    severity = dg.AssetCheckSeverity[context.run.tags.get("as", "ERROR")]
    return dg.AssetCheckResult(passed=False, severity=severity)


@dg.op
def dig() -> None:
    raise ValueError("the well is dry")


@dg.job
def fill_well() -> None:
    dig()


def failed_run_is_told_of(overrides: dict[str, str]) -> str:
    instance = dg.DagsterInstance.ephemeral()
    result = fill_well.execute_in_process(instance=instance, raise_on_error=False)
    context = dg.build_run_status_sensor_context(
        sensor_name="alert_when_run_fails",
        dagster_event=next(event for event in result.all_events if event.is_run_failure),
        dagster_instance=instance,
        dagster_run=result.dagster_run,
        resources={"settings": SettingsResource(overrides=overrides)},
    ).for_run_failure()
    alert_when_run_fails(context)
    return result.run_id


def metrics(folder: Path) -> str:
    registry = CollectorRegistry()
    MultiProcessCollector(registry, path=str(folder / "run" / "metrics"))
    return generate_latest(registry).decode()


def test_failed_run_reaches_the_webhook_the_metrics_and_the_log(
    overrides: dict[str, str], hook: Hook, tmp_path: Path
) -> None:
    with structlog.testing.capture_logs() as lines:
        run_id = failed_run_is_told_of(overrides)

    (message,) = hook.received
    assert message["title"] == "AURORA: fill_well failed"
    assert "dig" in message["message"]
    assert f"http://dagster.example/runs/{run_id}" in message["message"]
    assert 'aurora_pipelines_failed_runs_total{job="fill_well"} 1.0' in metrics(tmp_path)
    assert [(line["event"], line["run_id"]) for line in lines] == [("run_failed", run_id)]


def test_failures_are_counted_on_from_process_to_process(overrides: dict[str, str], tmp_path: Path) -> None:
    failed_run_is_told_of(overrides)
    failed_run_is_told_of(overrides)

    assert 'aurora_pipelines_failed_runs_total{job="fill_well"} 2.0' in metrics(tmp_path)


def test_nobody_to_tell_still_counts(overrides: dict[str, str], tmp_path: Path) -> None:
    failed_run_is_told_of(overrides | {"alert_urls": ""})

    assert 'aurora_pipelines_failed_runs_total{job="fill_well"} 1.0' in metrics(tmp_path)


@pytest.mark.parametrize("address", ["nonsense://secret-of-somebody", "json://127.0.0.1:1/alerts"])
def test_address_that_does_not_work_is_logged_without_its_secret(
    overrides: dict[str, str], hook: Hook, address: str
) -> None:
    with structlog.testing.capture_logs() as lines:
        failed_run_is_told_of(overrides | {"alert_urls": f"{address} {hook.address}"})

    assert len(hook.received) == 1
    assert any(line["event"].startswith("alert_") for line in lines)
    assert "secret-of-somebody" not in str(lines)


def test_webhook_that_refuses_is_logged(overrides: dict[str, str], hook: Hook) -> None:
    hook.status = 500
    with structlog.testing.capture_logs() as lines:
        failed_run_is_told_of(overrides)

    assert "alert_not_sent" in {line["event"] for line in lines}


@pytest.mark.parametrize(("severity", "is_told"), [("ERROR", True), ("WARN", False)])
def test_red_check_that_failed_no_run_is_told_of_when_it_is_an_error(
    overrides: dict[str, str], hook: Hook, tmp_path: Path, severity: str, is_told: bool
) -> None:
    instance = dg.DagsterInstance.ephemeral()
    result = dg.materialize(
        [things, things_are_red],
        selection=dg.AssetSelection.checks(things_are_red),
        instance=instance,
        tags={"as": severity},
    )
    assert result.success
    alert_when_check_fails(
        dg.build_run_status_sensor_context(
            sensor_name="alert_when_check_fails",
            dagster_event=next(
                event for event in result.all_events if event.event_type_value == "PIPELINE_SUCCESS"
            ),
            dagster_instance=instance,
            dagster_run=result.dagster_run,
            resources={"settings": SettingsResource(overrides=overrides)},
        )
    )

    assert bool(hook.received) is is_told
    if is_told:
        assert "things: things_are_red" in hook.received[0]["message"]
        assert 'aurora_pipelines_failed_checks_total{job="__ephemeral_asset_job__"} 1.0' in metrics(tmp_path)
