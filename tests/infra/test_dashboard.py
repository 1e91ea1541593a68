"""The dashboard's own virtualenv: what it is made of, and that it is made anew when that changes."""

from __future__ import annotations

import hashlib
import re
import socket
from pathlib import Path

import pytest
from rich.console import Console

from infra.dashboard import environment
from infra.dashboard.environment import APP, LOCK, DashboardNotInstalledError, install, is_installed
from infra.dashboard.serving import PortTakenError, serve_dashboard


def test_every_package_is_locked_by_hash_and_no_address_is_in_the_lock() -> None:
    text = LOCK.read_text(encoding="utf-8")
    entries = re.split(r"\n(?=[a-z])", text)

    assert all("--hash=sha256:" in entry for entry in entries)
    assert "://" not in text
    assert "vizro==" in text


def test_a_virtualenv_of_another_lock_is_not_taken(tmp_path: Path) -> None:
    assert not is_installed(tmp_path)
    (tmp_path / "installed").write_text("of an earlier lock")
    assert not is_installed(tmp_path)
    (tmp_path / "installed").write_text(hashlib.sha256(LOCK.read_bytes()).hexdigest())
    assert is_installed(tmp_path)


def test_an_install_that_fails_is_told_in_words_and_begun_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock = tmp_path / "requirements.lock"
    lock.write_text("this is no requirement\n")
    monkeypatch.setattr(environment, "LOCK", lock)

    with pytest.raises(DashboardNotInstalledError, match="could not be installed"):
        install(tmp_path / "dashboard")

    assert not is_installed(tmp_path / "dashboard")


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
