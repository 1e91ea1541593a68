"""dbt, run inside this process: where the project lies, how it is told of Postgres, what it reports.

In process a build starts in two seconds instead of ten. One dbt run at a time in one process: it keeps global
state.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote, urlsplit

from filelock import FileLock

from aurora.errors import AuroraError
from aurora.settings import PROJECT_DIR
from pipelines.transformation.digests import project_of

DBT_DIR: Final = PROJECT_DIR / "dbt_project"
_ONE_AT_A_TIME = threading.Lock()
_NOWHERE: Final = "postgresql://nobody@127.0.0.1:5432/none"

OnNode = Callable[["NodeResult"], None]


class DbtFailedError(AuroraError):
    """dbt could not even begin: the project does not parse, or the database is away."""


@dataclass(frozen=True)
class NodeResult:
    """What became of one dbt model or test."""

    unique_id: str
    name: str
    kind: str
    status: str
    seconds: float
    message: str
    rows: int | None
    sql: str = ""
    """As dbt compiled it."""

    @property
    def is_bad(self) -> bool:
        return self.status in {"error", "fail", "runtime error"}


def target_dir(data_dir: Path) -> Path:
    """Where dbt keeps its manifest and compiled SQL: beside the data, never in the project."""
    return data_dir / "dbt" / "target"


@contextmanager
def dbt_environment(postgres_url: str) -> Iterator[None]:
    """The address of Postgres, in the variables that `profiles.yml` reads; put back afterwards."""
    parts = urlsplit(postgres_url)
    variables = {
        "DBT_AURORA_HOST": parts.hostname or "127.0.0.1",
        "DBT_AURORA_PORT": str(parts.port or 5432),
        "DBT_AURORA_USER": unquote(parts.username or ""),
        # dbt never writes a variable of this prefix into a log.
        "DBT_ENV_SECRET_AURORA_PASSWORD": unquote(parts.password or ""),
        "DBT_AURORA_DATABASE": parts.path.removeprefix("/"),
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
        "DO_NOT_TRACK": "1",
    }
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def run_dbt(
    arguments: Sequence[str],
    *,
    postgres_url: str,
    data_dir: Path,
    dbt_dir: Path = DBT_DIR,
    on_node: OnNode | None = None,
) -> list[NodeResult]:
    """Run one dbt command, e.g. `["build", "--full-refresh"]`; DbtFailedError when it could not begin.

    A model or test that fails is in the results; it raises nothing.
    """
    return _run(arguments, postgres_url, target_dir(data_dir), dbt_dir, on_node)


def parse(*, data_dir: Path, dbt_dir: Path = DBT_DIR, artifact: str = "manifest.json") -> str:
    """Parse the project, without a database; one of the files that dbt writes of it.

    Of a project that is as it was when it was parsed last, the file is as it was, too: every process that loads the
    assets asks for it, and dbt would take two seconds. In a folder of its own: where the last run was for another
    address dbt reads all files anew, in ten seconds. And one process at a time, since it writes its files in place.
    """
    folder = data_dir / "dbt" / "parsed"
    folder.mkdir(parents=True, exist_ok=True)
    written, parsed, project = folder / artifact, folder / "parsed", project_of(dbt_dir)
    with FileLock(folder / "lock"):
        is_parsed = written.is_file() and parsed.is_file() and parsed.read_text(encoding="utf-8") == project
        if not is_parsed:
            # What is half written by one that is killed is nobody's.
            parsed.unlink(missing_ok=True)
            _run(["parse"], _NOWHERE, folder, dbt_dir)
            parsed.write_text(project, encoding="utf-8")
        return written.read_text(encoding="utf-8")


def _run(
    arguments: Sequence[str], postgres_url: str, target: Path, dbt_dir: Path, on_node: OnNode | None = None
) -> list[NodeResult]:
    from dbt.cli.main import dbtRunner
    from dbt.exceptions import ParsingError
    from dbt_common.exceptions import CompilationError

    def heard(event: Any) -> None:
        if on_node is not None and event.info.name in {"LogModelResult", "LogTestResult"}:
            on_node(_told(event))

    folders = [
        "--project-dir", str(dbt_dir), "--profiles-dir", str(dbt_dir),
        "--target-path", str(target), "--log-path", str(target.parent / "logs"),
    ]  # fmt: skip
    quiet = ["--quiet", "--no-print", "--log-level", "none", "--log-level-file", "warn"]
    if arguments[0] in {"build", "run", "test"}:
        # Of a build the results are what is asked; `parse` writes the manifest, and each time takes half a second.
        quiet.append("--no-write-json")
    target.mkdir(parents=True, exist_ok=True)
    with _ONE_AT_A_TIME, dbt_environment(postgres_url), _behavior_flags_kept():
        command, *options = arguments
        invocation = [*quiet, command, *options, *folders]
        outcome = dbtRunner(callbacks=[heard]).invoke(invocation)
        if isinstance(outcome.exception, CompilationError | ParsingError):
            # What dbt remembers of its last parse misleads it when a description has moved to another file.
            outcome = dbtRunner(callbacks=[heard]).invoke(["--no-partial-parse", *invocation])
    if outcome.exception is not None:
        raise DbtFailedError(f"dbt {arguments[0]}: {outcome.exception}") from outcome.exception
    results = getattr(outcome.result, "results", None) or []
    return [_result(result) for result in results if hasattr(result, "node")]


@contextmanager
def _behavior_flags_kept() -> Iterator[None]:
    """Undo what each adapter does to dbt's list of behavior flags: it adds its own to the one that all share.

    dbt walks the whole stack for each flag, so the hundredth run of a process would begin many seconds late.
    """
    from dbt.adapters.base.impl import DEFAULT_BASE_BEHAVIOR_FLAGS

    before = list(DEFAULT_BASE_BEHAVIOR_FLAGS)
    try:
        yield
    finally:
        DEFAULT_BASE_BEHAVIOR_FLAGS[:] = before


def _result(result: Any) -> NodeResult:
    response: Mapping[str, Any] = getattr(result, "adapter_response", None) or {}
    return NodeResult(
        unique_id=result.node.unique_id,
        name=result.node.name,
        kind=str(result.node.resource_type),
        status=str(result.status),
        seconds=float(result.execution_time or 0),
        message=str(result.message or ""),
        rows=response.get("rows_affected"),
        sql=getattr(result.node, "compiled_code", None) or "",
    )


def _told(event: Any) -> NodeResult:
    data = event.data
    return NodeResult(
        unique_id=data.node_info.unique_id,
        name=data.node_info.node_name,
        kind=data.node_info.resource_type,
        status=str(data.status).split(" ")[0].lower(),
        seconds=float(data.execution_time or 0),
        message="",
        rows=None,
    )
