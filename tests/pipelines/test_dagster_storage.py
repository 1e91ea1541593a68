"""Dagster's storage in a real Postgres: how many connections a run opens to it."""

# Without postponed annotations: Dagster reads those of an asset as it is defined.
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import psycopg2
import pytest
import yaml

from pipelines.dagster_storage import keep_connections
from tests.fixtures.database import fresh_database

CHECKS = 20
TABLES = 20
QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


@pytest.fixture
def instance(postgres_admin_url: str, tmp_path: Path) -> Iterator[dg.DagsterInstance]:
    """An instance over an empty database of its own."""
    for url in fresh_database(postgres_admin_url, "template1", f"dagster_{uuid.uuid4().hex[:12]}"):
        address = url.replace("postgresql://", "postgresql+psycopg2://")
        config = {"storage": {"postgres": {"postgres_url": address}}, "telemetry": {"enabled": False}}
        (tmp_path / "dagster.yaml").write_text(yaml.safe_dump(config), encoding="utf-8")
        with dg.DagsterInstance.from_config(str(tmp_path)) as instance:
            yield instance


@dg.multi_asset(
    specs=[dg.AssetSpec(f"table_{number}") for number in range(TABLES)],
    check_specs=[dg.AssetCheckSpec(f"check_{number}", asset="table_0") for number in range(CHECKS)],
)
def checked(context: dg.AssetExecutionContext) -> Iterator[dg.MaterializeResult | dg.AssetCheckResult]:
    if "kept" in context.run.tags:
        keep_connections(context.instance)
    for number in range(TABLES):
        yield dg.MaterializeResult(f"table_{number}")
    for number in range(CHECKS):
        yield dg.AssetCheckResult(asset_key="table_0", check_name=f"check_{number}", passed=True)


def opened(instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch, **tags: str) -> int:
    """Connections to Postgres that one run opens."""
    connect, seen = psycopg2.connect, []

    def counted(*args: Any, **kwargs: Any) -> Any:
        seen.append(1)
        return connect(*args, **kwargs)

    with monkeypatch.context() as patched:
        patched.setattr(psycopg2, "connect", counted)
        assert dg.materialize([checked], instance=instance, tags=tags, run_config=QUIET).success
    return len(seen)


def test_a_run_that_keeps_its_connections_opens_none_for_its_events(
    instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    without, kept = opened(instance, monkeypatch), opened(instance, monkeypatch, kept="yes")
    # Two or three for each check: the event, and what is known of the check.
    assert without - kept >= 2 * CHECKS
    # Asked for again: what is open is kept, and two queries at once may open another; not one for each table.
    assert opened(instance, monkeypatch, kept="still") <= 2

    checks = [event for run in instance.get_run_ids() for event in instance.all_logs(run) if event.is_dagster_event
              and event.get_dagster_event().event_type == dg.DagsterEventType.ASSET_CHECK_EVALUATION]  # fmt: skip
    assert len(checks) == 3 * CHECKS
