"""Virtualenvs of programs whose packages need not agree with AURORA's: exactly what a lock file names."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock

from infra.errors import PackagesNotInstalledError


@dataclass(frozen=True)
class Virtualenv:
    """A virtualenv in `folder`, made of the packages that `lock` names by their hashes. `purpose` says what for."""

    purpose: str
    folder: Path
    lock: Path

    @property
    def is_installed(self) -> bool:
        """Whether it is there, with just the packages that are locked now."""
        return self._note.is_file() and self._note.read_text() == self._digest

    def install(self) -> Path:
        """Make it if it is not there or of another lock; its Python. PackagesNotInstalledError when that fails."""
        python = self.folder / "bin" / "python"
        self.folder.parent.mkdir(parents=True, exist_ok=True)
        # One process at a time: tests run in several.
        with FileLock(self.folder.with_name(f"{self.folder.name}.lock")):
            if not self.is_installed:
                shutil.rmtree(self.folder, ignore_errors=True)
                self._run([sys.executable, "-m", "venv", str(self.folder)])
                # By hash, and nothing but what is locked.
                quiet = ("--quiet", "--disable-pip-version-check")
                locked = ("--no-deps", "--require-hashes", "--requirement", str(self.lock))
                self._run([str(python), "-m", "pip", "install", *quiet, *locked])
                self._note.write_text(self._digest)
        return python

    @property
    def _note(self) -> Path:
        return self.folder / "installed"

    @property
    def _digest(self) -> str:
        return hashlib.sha256(self.lock.read_bytes()).hexdigest()

    def _run(self, command: list[str]) -> None:
        done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603  # our own command line
        if done.returncode != 0:
            lines = (done.stderr or done.stdout).strip().splitlines()
            said = lines[-1] if lines else f"it ended with {done.returncode}"
            raise PackagesNotInstalledError(self.purpose, said)
