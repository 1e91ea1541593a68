"""What every test may use. The fixtures themselves live in tests/fixtures.

Real services, started at the first test that asks for one, shared by all workers of a run, and
thrown away at its end. A run that was killed is tidied up by the next one.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
import structlog
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings

# `pytest` alone does not look in the project's folder, `python -m pytest` does.
sys.path.insert(0, str(Path(__file__).parent.parent))

from tests.fixtures import service_run  # needs the path above

pytest_plugins = [
    "tests.fixtures.database",
    "tests.fixtures.simulated_warehouse",
    "tests.fixtures.services",
    "tests.fixtures.datasets",
    "tests.fixtures.apache_kafka",
]

# The same examples in every run, so that a failure belongs to a change; `--hypothesis-profile=search` looks
# for new ones. A busy machine is slow, and a fixture that rolls back once after all examples is meant to.
hypothesis_settings.register_profile(
    "repeat",
    derandomize=True,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
hypothesis_settings.register_profile(
    "search", hypothesis_settings.get_profile("repeat"), derandomize=False, max_examples=1000
)
hypothesis_settings.load_profile("repeat")

# As structlog logs until somebody sets it up, but for tracebacks: rich would draw each with all its variables, which
# takes longer than the test.
structlog.configure(
    processors=[
        *structlog.get_config()["processors"][:-1],
        structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback),
    ]
)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--write-answers", action="store_true", help="write docs/questions.md anew")


def pytest_configure(config: pytest.Config) -> None:
    is_worker = hasattr(config, "workerinput")
    if not is_worker:
        os.environ[service_run.RUN_DIR_VARIABLE] = str(service_run.open_run())
    # A test never meets the developer's own system: no address from outside, and an empty data folder.
    for name in [name for name in os.environ if name.startswith("AURORA_")]:
        if name not in {"AURORA_DATASETS", service_run.RUN_DIR_VARIABLE}:
            del os.environ[name]
    os.environ["AURORA_DATA_DIR"] = os.environ[service_run.RUN_DIR_VARIABLE] + "/data"
    os.environ["AURORA_THREADS"] = os.environ["OMP_NUM_THREADS"] = "1"


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files with slow tests begin first, so that no worker waits for the last one.

    pytest-randomly has shuffled the files and the tests of each by then. `make test` gives whole files to workers, in
    this order: what a file makes once for its tests is made once.
    """
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in slow)


def pytest_unconfigure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):
        service_run.close_run(Path(os.environ[service_run.RUN_DIR_VARIABLE]))
