"""The `aurora` command, assembled from the sub-commands of the packages that are installed.

A package whose extra is missing brings no commands: an API image needs no Dagster.
"""

from __future__ import annotations

import sys
from importlib.metadata import entry_points

import typer
from rich.console import Console

from aurora.errors import AuroraError

GROUP = "aurora.commands"


def build() -> typer.Typer:
    """The whole command tree of this installation."""
    app = typer.Typer(
        name="aurora",
        help="AURORA_LIFE: from the events of a life to features, scores and predictions.",
        no_args_is_help=True,
        pretty_exceptions_show_locals=False,
        add_completion=False,
    )
    for entry in sorted(entry_points(group=GROUP), key=lambda entry: entry.name):
        try:
            register = entry.load()
        except ModuleNotFoundError as error:
            if (error.name or "").split(".")[0] in {"aurora", "pipelines", "serving", "streams", "infra"}:
                raise
            continue
        register(app)
    return app


def main() -> None:
    """Run the command; an error that AURORA raises on purpose is one line, not a traceback."""
    try:
        build()()
    except AuroraError as error:
        Console(stderr=True).print(f"[bold red]error[/] {error}", highlight=False)
        sys.exit(1)
