"""DAGSTER_HOME: the instance configuration and the workspace, written anew at each `aurora up`."""

from __future__ import annotations

from urllib.parse import urlsplit

from aurora.database import grants
from infra.installation import Installation
from infra.run_folder import write_privately

_INSTANCE = """\
# Written by `aurora up`.
storage:
  postgres:
    postgres_db:
      hostname: "{host}"
      port: {port}
      db_name: dagster
      username: {role}
      password:
        env: AURORA_DAGSTER_PASSWORD
      # Without the driver's name every event write fails on NOTIFY with SQLAlchemy 2.1.
      scheme: postgresql+psycopg2
telemetry:
  enabled: false
nux:
  # No dialog that asks for an e-mail address before the first look.
  enabled: false
concurrency:
  runs:
    # Two runs side by side are what two cores can do; dbt takes one run per process anyway.
    max_concurrent_runs: 2
  pools:
    # One build, one training at a time (pipelines/pools.py): the next run waits in the queue, not at a lock.
    granularity: run
    default_limit: 1
run_monitoring:
  enabled: true
  # A run whose code server was killed stays STARTED for ever otherwise.
  max_runtime_seconds: 7200
  start_timeout_seconds: 180
retention:
  schedule:
    purge_after_days: 90
  sensor:
    purge_after_days:
      skipped: 3
      failure: 30
      success: 30
"""

_WORKSPACE = """\
# Written by `aurora up`: the code server of this installation.
load_from:
  - grpc_server:
      host: 127.0.0.1
      port: {port}
      location_name: aurora
"""


def write_dagster_home(here: Installation) -> None:
    """Write dagster.yaml and workspace.yaml."""
    address = urlsplit(here.owner_url)
    instance = _INSTANCE.format(host=address.hostname, port=address.port or 5432, role=grants.DAGSTER)
    write_privately(here.dagster_dir / "dagster.yaml", instance)
    workspace = _WORKSPACE.format(port=here.ports["dagster-code"])
    write_privately(here.dagster_dir / "workspace.yaml", workspace)
