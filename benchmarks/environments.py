"""Virtualenvs of the libraries that AURORA is compared with: their packages need not agree with its own."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Final

from aurora.errors import AuroraError

PROJECT: Final = Path(__file__).parents[1]
CACHE: Final = PROJECT / ".cache" / "benchmarks"
"""Where they are made once, and found again by the next run."""


class PackagesMissingError(AuroraError):
    def __init__(self, name: str, said: str) -> None:
        super().__init__(f"the packages of {name} could not be installed: {said}")


@dataclass(frozen=True)
class Environment:
    """A virtualenv by name, and what pip is asked to put into it."""

    name: str
    packages: tuple[str, ...]

    def python(self, cache: Path) -> Path:
        """Its Python, made first unless it is there with just these packages; PackagesMissingError without them."""
        folder = cache / self.name
        python, note = folder / "bin" / "python", folder / "installed"
        if note.is_file() and note.read_text() == self._digest:
            return python
        self._run([sys.executable, "-m", "venv", "--clear", str(folder)])
        quiet = ("--quiet", "--disable-pip-version-check")
        self._run([str(python), "-m", "pip", "install", *quiet, *self.packages])
        note.write_text(self._digest)
        return python

    @property
    def _digest(self) -> str:
        return hashlib.sha256("\n".join(self.packages).encode()).hexdigest()

    def _run(self, command: list[str]) -> None:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            lines = (done.stderr or done.stdout).strip().splitlines()
            raise PackagesMissingError(self.name, lines[-1] if lines else f"pip ended with {done.returncode}")


def _as_here(*packages: str) -> tuple[str, ...]:
    """The versions that AURORA itself runs with: the same trees, the same client of Redis."""
    return tuple(f"{package}=={version(package)}" for package in packages)


ONNX: Final = Environment(
    "onnx",
    (
        "onnxruntime==1.32.0",
        "onnxmltools==1.16.0",
        "skl2onnx==1.20.0",
        *_as_here("xgboost-cpu", "lightgbm", "redis"),
    ),
)

MLSERVER: Final = Environment(
    "mlserver",
    (
        "mlserver==1.7.1",
        "mlserver-mlflow==1.7.1",
        # What the registered model asks for: without the versions pip tries old ones of MLflow for minutes.
        *_as_here("mlflow", "numpy", "pandas", "pydantic", "tzdata", "lightgbm", "xgboost-cpu"),
    ),
)
