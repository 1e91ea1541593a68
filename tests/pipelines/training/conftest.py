"""A warehouse as the role of the pipelines sees it, and an empty MLflow."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from pipelines.training.tracking import connect
from tests.pipelines.training.warehouse import build_tables


@pytest.fixture(autouse=True)
def code_of_loaded_models_is_forgotten() -> Iterator[None]:
    """MLflow puts the code of a model that it loads before all else, for as long as the process lives."""
    before = list(sys.path)
    yield
    sys.path[:] = before


@pytest.fixture
def pipelines_url(committed_database: str, role_url: Callable[..., str]) -> str:
    """The database as the role of the pipelines: training must need no more than that role may."""
    return role_url("aurora_pipelines", committed_database)


@pytest.fixture
def connection(pipelines_url: str) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(pipelines_url, autocommit=True) as connection:
        build_tables(connection)
        yield connection


@pytest.fixture(scope="session")
def empty_mlflow(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated MLflow database without a run: migrating takes seconds, copying none."""
    path = tmp_path_factory.mktemp("mlflow") / "empty.db"
    connect(f"sqlite:///{path}").search_experiments()
    return path


@pytest.fixture
def mlflow_uri(tmp_path: Path, empty_mlflow: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    # Without a server MLflow keeps artifacts in the current folder.
    monkeypatch.chdir(tmp_path)
    shutil.copy(empty_mlflow, tmp_path / "mlflow.db")
    return f"sqlite:///{tmp_path}/mlflow.db"
