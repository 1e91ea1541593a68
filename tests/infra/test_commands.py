"""The commands as a person types them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from infra.commands import register
from infra.system import take_down


@pytest.fixture
def aurora() -> typer.Typer:
    app = typer.Typer()
    register(app)
    return app


@pytest.fixture(autouse=True)
def own_data_dir(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("AURORA_DATA_DIR", str(data_dir))
    yield
    take_down(data_dir / "run")


def test_redis_alone_comes_up_shows_itself_and_goes_down(aurora: typer.Typer) -> None:
    run = CliRunner()

    up = run.invoke(aurora, ["up", "--only", "redis"])
    assert up.exit_code == 0, up.output
    status = run.invoke(aurora, ["status"])
    logs = run.invoke(aurora, ["logs", "redis", "-n", "3"])
    doctor = run.invoke(aurora, ["doctor"])
    down = run.invoke(aurora, ["down"])

    assert "AURORA is up" in up.output
    assert status.exit_code == 0
    assert "ready" in status.output
    assert "not started" in status.output
    assert "Ready to accept connections" in logs.output
    assert doctor.exit_code == 0, doctor.output
    assert "are ready" in doctor.output
    assert "the data stay" in down.output


def test_reset_asks_and_deletes_nothing_without_a_yes(aurora: typer.Typer, data_dir: Path) -> None:
    (data_dir / "secrets.json").touch()

    answer = CliRunner().invoke(aurora, ["reset"], input="n\n")

    assert answer.exit_code == 1
    assert (data_dir / "secrets.json").exists()


def test_reset_deletes_all_data(aurora: typer.Typer, data_dir: Path) -> None:
    run = CliRunner()
    assert run.invoke(aurora, ["up", "--only", "postgres"]).exit_code == 0

    answer = run.invoke(aurora, ["reset", "--yes"])

    assert answer.exit_code == 0
    assert list(data_dir.iterdir()) == []


def test_down_without_a_running_system_says_so(aurora: typer.Typer) -> None:
    assert "was not running" in CliRunner().invoke(aurora, ["down"]).output
