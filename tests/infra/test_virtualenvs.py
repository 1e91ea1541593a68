"""Virtualenvs of their own: what they are made of, and that they are made anew when that changes."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

import pytest

from infra import dashboard
from infra.errors import PackagesNotInstalledError
from infra.node_tools import TOOLS
from infra.virtualenvs import Virtualenv


@pytest.mark.parametrize(
    ("lock", "package"), [(dashboard.LOCK, "vizro"), (TOOLS / "requirements.lock", "openapi-python-client")]
)
def test_every_package_is_locked_by_hash_and_no_address_is_in_the_lock(lock: Path, package: str) -> None:
    text = lock.read_text(encoding="utf-8")
    entries = re.split(r"\n(?=[a-z])", text)

    assert all("--hash=sha256:" in entry for entry in entries)
    assert "://" not in text
    assert f"{package}==" in text


def test_a_virtualenv_of_another_lock_is_not_taken(tmp_path: Path) -> None:
    virtualenv = Virtualenv("a test", tmp_path, dashboard.LOCK)

    assert not virtualenv.is_installed
    (tmp_path / "installed").write_text("of an earlier lock")
    assert not virtualenv.is_installed
    (tmp_path / "installed").write_text(hashlib.sha256(dashboard.LOCK.read_bytes()).hexdigest())
    assert virtualenv.is_installed


def test_an_install_that_fails_is_told_in_words_and_begun_again(tmp_path: Path) -> None:
    lock = tmp_path / "requirements.lock"
    lock.write_text("this is no requirement\n")
    virtualenv = Virtualenv("a test", tmp_path / "own", lock)

    with pytest.raises(PackagesNotInstalledError, match="packages of a test could not be installed"):
        virtualenv.install()

    assert not virtualenv.is_installed
