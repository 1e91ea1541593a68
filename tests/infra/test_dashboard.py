"""The dashboard's process: what is told before it starts, and that it stands alone."""

from __future__ import annotations

import re
import socket
from pathlib import Path

import pytest
from rich.console import Console

from infra.dashboard import APP
from infra.dashboard.serving import PortTakenError, serve_dashboard


def test_a_port_that_is_taken_is_told_before_anything_is_installed(
    database_url: str, secret_key: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in (("POSTGRES_URL", database_url), ("SECRET_KEY", secret_key), ("DATA_DIR", tmp_path)):
        monkeypatch.setenv(f"AURORA_{name}", str(value))
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()

        with pytest.raises(PortTakenError):
            serve_dashboard(Console(), taken.getsockname()[1])

    assert not (tmp_path / "dashboard").exists()


def test_the_app_imports_nothing_of_aurora() -> None:
    imported = re.findall(r"^(?:from|import) (\w+)", APP.read_text(encoding="utf-8"), flags=re.MULTILINE)

    assert not {"aurora", "infra", "pipelines", "serving", "streams"} & set(imported)
