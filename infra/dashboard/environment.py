"""The dashboard's own virtualenv, in the data folder: its packages need not agree with AURORA's."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

from aurora.errors import AuroraError

HERE: Final = Path(__file__).parent
LOCK: Final = HERE / "requirements.lock"
APP: Final = HERE / "app.py"


class DashboardNotInstalledError(AuroraError):
    def __init__(self, said: str) -> None:
        super().__init__(f"the packages of the dashboard could not be installed: {said}")


def is_installed(folder: Path) -> bool:
    """Whether the virtualenv is there, with just the packages that are locked now."""
    note = folder / "installed"
    return note.is_file() and note.read_text() == _digest()


def install(folder: Path) -> Path:
    """Make the virtualenv if it is not there or of another lock; its Python."""
    python = folder / "bin" / "python"
    if not is_installed(folder):
        shutil.rmtree(folder, ignore_errors=True)
        _run([sys.executable, "-m", "venv", str(folder)])
        # By hash, and nothing but what is locked.
        quiet = ("--quiet", "--disable-pip-version-check")
        locked = ("--no-deps", "--require-hashes", "--requirement", str(LOCK))
        _run([str(python), "-m", "pip", "install", *quiet, *locked])
        (folder / "installed").write_text(_digest())
    return python


def _digest() -> str:
    return hashlib.sha256(LOCK.read_bytes()).hexdigest()


def _run(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603  # our own command line
    if done.returncode != 0:
        lines = (done.stderr or done.stdout).strip().splitlines()
        raise DashboardNotInstalledError(lines[-1] if lines else f"it ended with {done.returncode}")
