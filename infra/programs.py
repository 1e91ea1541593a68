"""The table of programs that make up a running AURORA. To add a process, add a line to `programs`.

Each program says what it runs, whose database role it has, which settings it may know, what must be
ready before it, and how one sees that it is ready.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final, Literal

from aurora.database import grants
from aurora.secrets import derive, role_url
from infra.installation import Installation

PYTHON: Final = sys.executable
SECRET_OR_ADDRESS: Final = (
    "postgres_url",
    "postgres_replica_url",
    "redis_url",
    "kafka_bootstrap",
    "mlflow_uri",
    "api_url",
    "dagster_url",
    "secret_key",
    "jwt_secret",
    "jwt_secrets_before",
    "data_key",
    "pseudonym_key",
    "alert_urls",
    "smtp_url",
    "mail_from",
    "public_url",
)
"""Settings that a process has only when its line in the table names them."""

PASSED_ON: Final = (
    "PATH", "HOME", "USER", "LANG", "LC_ALL", "TMPDIR",
    "SSL_CERT_FILE", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY",
)  # fmt: skip
"""What a process keeps of the environment of whoever typed `aurora up`."""


@dataclass(frozen=True)
class Probe:
    """How one sees that a program is ready."""

    kind: Literal["postgres", "redis", "broker", "http", "tcp", "alive"]
    target: str = ""
    """A URL, or "host:port"."""


@dataclass(frozen=True)
class Program:
    """One process that the supervisor keeps alive."""

    name: str
    command: list[str]
    probe: Probe
    depends_on: tuple[str, ...] = ()
    role: str | None = None
    knows: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    stop_signal: str = "TERM"
    url: str = ""
    is_python: bool = True
    needs_database: bool = False
    """Whether the database must be migrated before. `programs` fills it in."""

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def programs(installation: Installation) -> dict[str, Program]:
    """Every program of this installation by name; what is external is not among them."""
    table = [*_services(installation), *_dagster(installation), *_processes(installation)]
    known = {program.name for program in table}
    return {
        program.name: Program(
            **{
                **vars(program),
                "depends_on": tuple(name for name in program.depends_on if name in known),
                # Postgres itself counts: who starts it alone wants to use it.
                "needs_database": "postgres" in {program.name, *program.depends_on},
                "environment": environment(installation, program),
            }
        )
        for program in table
    }


def _services(here: Installation) -> list[Program]:
    table: list[Program] = []
    if here.postgres is not None:
        table.append(
            Program(
                "postgres",
                here.postgres.command(),
                Probe("postgres", here.postgres.url()),
                # Postgres' fast shutdown; at SIGTERM it would wait until every client has gone.
                stop_signal="INT",
                is_python=False,
                url=f"127.0.0.1:{here.postgres.port}",
            )
        )
    if here.redis is not None:
        table.append(
            Program(
                "redis",
                here.redis.command(),
                Probe("redis", here.redis.url()),
                is_python=False,
                url=f"127.0.0.1:{here.redis.port}",
            )
        )
    if here.has_embedded_broker:
        command = [PYTHON, "-m", "infra.broker", str(here.run_dir)]
        table.append(Program("broker", command, Probe("broker", str(here.run_dir))))
    if here.has_embedded_mlflow:
        port = str(here.ports["mlflow"])
        command = [
            PYTHON, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", port, "--workers", "1",
            "--artifacts-destination", (here.mlflow_dir / "artifacts").as_uri(),
            "--allowed-hosts", "127.0.0.1:*,localhost:*",
        ]  # fmt: skip
        store = here.role_url(grants.MLFLOW, "mlflow").replace("postgresql:", "postgresql+psycopg2:", 1)
        table.append(
            Program(
                "mlflow",
                command,
                Probe("http", here.url("mlflow") + "/health"),
                depends_on=("postgres",),
                environment={
                    "MLFLOW_BACKEND_STORE_URI": store,
                    # Lean: without its job runners it is one process of 0.5 GB instead of fifteen.
                    "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
                },
                url=here.url("mlflow"),
            )
        )
    if here.has_embedded_mailbox:
        ports = [str(here.ports["mailbox-smtp"]), str(here.ports["mailbox"])]
        table.append(
            Program(
                "mailbox",
                [PYTHON, "-m", "infra.mailbox", str(here.mailbox_dir), *ports],
                Probe("http", here.url("mailbox")),
                url=here.url("mailbox"),
            )
        )
    return table


def _dagster(here: Installation) -> list[Program]:
    dagster = {
        "DAGSTER_HOME": str(here.dagster_dir),
        "AURORA_DAGSTER_PASSWORD": derive(here.secret_key, f"postgres:{grants.DAGSTER}"),
        # What a run is going to make is told in one statement, not in one for each asset and check.
        "DAGSTER_EVENT_BATCH_SIZE": "500",
    }
    workspace = str(here.dagster_dir / "workspace.yaml")
    code_port = here.ports["dagster-code"]
    return [
        Program(
            "dagster-code",
            [PYTHON, "-m", "dagster", "api", "grpc", "-m", "pipelines.definitions",
             "--host", "127.0.0.1", "--port", str(code_port)],
            Probe("tcp", f"127.0.0.1:{code_port}"),
            depends_on=("postgres", "redis"),
            role=grants.PIPELINES,
            knows=("redis_url", "mlflow_uri", "dagster_url", "data_key", "pseudonym_key", "alert_urls"),
            environment=dagster,
        ),
        Program(
            "dagster-webserver",
            [PYTHON, "-m", "dagster_webserver", "--host", "127.0.0.1",
             "--port", str(here.ports["dagster-webserver"]), "--workspace", workspace],
            Probe("http", here.url("dagster-webserver") + "/server_info"),
            depends_on=("postgres", "dagster-code"),
            environment=dagster,
            url=here.url("dagster-webserver"),
        ),
        Program(
            "dagster-daemon",
            [PYTHON, "-m", "dagster._daemon", "run", "--workspace", workspace],
            Probe("alive"),
            depends_on=("postgres", "dagster-code"),
            environment=dagster,
        ),
    ]  # fmt: skip


def _processes(here: Installation) -> list[Program]:
    return [
        Program(
            "streams",
            [PYTHON, "-m", "streams"],
            Probe("alive"),
            depends_on=("postgres", "redis", "broker"),
            role=grants.STREAMS,
            knows=("redis_url", "kafka_bootstrap", "data_key"),
            environment={"AURORA_STREAMS_PORT": str(here.ports["streams"])},
        ),
        Program(
            "serving",
            [PYTHON, "-m", "serving"],
            Probe("http", here.url("serving") + "/readyz"),
            depends_on=("postgres", "redis"),
            role=grants.SERVING,
            knows=(
                "redis_url",
                "postgres_replica_url",
                "jwt_secret",
                "jwt_secrets_before",
                "data_key",
                "public_url",
            ),
            environment={"AURORA_API_PORT": str(here.ports["serving"])},
            url=here.url("serving"),
        ),
        Program(
            "jobs",
            [PYTHON, "-m", "serving.jobs"],
            Probe("alive"),
            depends_on=("postgres", "redis"),
            role=grants.JOBS,
            knows=("redis_url", "data_key", "smtp_url", "mail_from", "public_url"),
        ),
    ]


def base_environment() -> dict[str, str]:
    """What every process has: the person's language, folders and proxies, and the tools of this Python."""
    names = [*PASSED_ON, *(name.lower() for name in PASSED_ON)]
    base = {name: os.environ[name] for name in names if name in os.environ}
    return base | {"PATH": os.pathsep.join([str(Path(PYTHON).parent), base.get("PATH", os.defpath)])}


def environment(installation: Installation, program: Program) -> dict[str, str]:
    """The whole environment of a program: what it needs and nothing that it does not."""
    base = base_environment()
    if not program.is_python:
        return base | {"LC_ALL": "C"}
    threads = str(installation.given.threads)
    base |= {
        "PYTHONUNBUFFERED": "1",
        "OMP_NUM_THREADS": threads,
        "OPENBLAS_NUM_THREADS": threads,
        "POLARS_MAX_THREADS": threads,
        "DO_NOT_TRACK": "1",
        "NO_COLOR": "1",
        "DAGSTER_DISABLE_TELEMETRY": "true",
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
    }
    return base | _settings(installation, program) | dict(program.environment)


def _settings(installation: Installation, program: Program) -> dict[str, str]:
    given, run = installation.given, installation.run_settings()
    settings = {
        "data_dir": given.data_dir,
        "datasets": given.datasets or "",
        "threads": given.threads,
        "training_dask_scheduler": given.training_dask_scheduler,
        "log_level": given.log_level,
        "postgres_pool_size": given.postgres_pool_size,
        "api_workers": given.api_workers,
        "archive_after_days": given.archive_after_days,
        "code_url": given.code_url,
        "code_branch": given.code_branch,
        "kafka_may_create_topics": given.kafka_may_create_topics,
        "kafka_check_crcs": given.kafka_check_crcs,
        # Empty rather than absent: the process must not find it in the run file or in `.env` either.
        **dict.fromkeys(SECRET_OR_ADDRESS, ""),
        **{name: run[name] for name in program.knows},
    }
    if program.role is not None:
        settings["postgres_url"] = installation.role_url(program.role)
        replica = settings["postgres_replica_url"]
        if replica:
            # Roles and their passwords are the primary's.
            settings["postgres_replica_url"] = role_url(str(replica), installation.secret_key, program.role)
    if not settings["datasets"]:
        del settings["datasets"]
    return {f"AURORA_{name.upper()}": str(value) for name, value in settings.items()}
