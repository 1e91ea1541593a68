"""The sub-commands that `pipelines` adds to the `aurora` command."""

from __future__ import annotations

import typer


def register(app: typer.Typer) -> None:
    """Add this package's sub-commands to the `aurora` command."""
    del app
