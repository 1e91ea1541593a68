"""TypeScript for tests: the compiler of clients/tools, run by the Node of the wheel."""

from __future__ import annotations

from pathlib import Path

from aurora.settings import PROJECT_DIR
from infra import node_tools

PACKAGE = PROJECT_DIR / "clients" / "typescript"
NODE = node_tools.node()


def compile_package(out: Path) -> str:
    """Compile the client into a folder; what the compiler had to say."""
    return _tsc("-p", str(PACKAGE), "--outDir", str(out))


def compile_file(file: Path) -> str:
    """Check and compile one file that imports others beside it, such as the compiled client in `dist`."""
    return _tsc(
        *("--strict", "--target", "ES2022", "--module", "NodeNext", "--skipLibCheck", "false"),
        *("--lib", "ES2022,DOM,DOM.AsyncIterable", str(file)),
    )


def _tsc(*arguments: str) -> str:
    result = node_tools.run("tsc", *arguments)
    said = result.stdout + result.stderr
    return said if result.returncode else ""
