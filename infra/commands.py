"""The sub-commands over services and processes: up, down, status, logs, doctor, reset, demo, dashboard."""

from __future__ import annotations

from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    """Add these sub-commands to the `aurora` command."""
    app.command()(up)
    app.command()(down)
    app.command()(status)
    app.command()(logs)
    app.command()(doctor)
    app.command()(reset)
    app.command()(demo)
    app.command()(dashboard)


def up(
    only: Annotated[
        str, typer.Option(help="Only these processes (postgres,redis,…) and what they need")
    ] = "",
    *,
    foreground: Annotated[bool, typer.Option(help="Stay, and stop everything at Ctrl-C")] = False,
) -> None:
    """Start all services and processes and print their addresses. The data of the last time are there."""
    from infra.screens import show_up

    show_up([name.strip() for name in only.split(",") if name.strip()], foreground=foreground)


def down() -> None:
    """Stop everything cleanly. The data stay."""
    from infra.screens import show_down

    show_down()


def status() -> None:
    """Every process: state, pid, uptime, restarts, memory, address."""
    from infra.screens import show_status

    show_status()


def logs(
    name: Annotated[str, typer.Argument(help="The process, e.g. serving; `supervisor` for the supervisor")],
    *,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on with what is written next")] = False,
    lines: Annotated[int, typer.Option("--lines", "-n", help="How many lines of the end")] = 50,
) -> None:
    """The log of one process."""
    from infra.screens import show_logs

    show_logs(name, follow=follow, lines=lines)


def doctor() -> None:
    """Look for what could be wrong on this machine, and say what to do."""
    from infra.screens import show_doctor

    raise typer.Exit(0 if show_doctor() else 1)


def reset(*, yes: Annotated[bool, typer.Option("--yes", help="Do not ask")] = False) -> None:
    """Stop everything and delete all data of the embedded services. Asks first."""
    from infra.screens import show_reset

    show_reset(is_sure=yes)


def demo(
    users: Annotated[int, typer.Option(help="How many people to simulate")] = 200,
    days: Annotated[int, typer.Option(help="How many days of their lives")] = 120,
) -> None:
    """From nothing to served predictions, with a login to try."""
    from rich.console import Console

    from infra.demo import run_demo

    run_demo(Console(), users=users, days=days)


def dashboard(
    port: Annotated[int, typer.Option(help="Where to listen, on this machine only")] = 8050,
) -> None:
    """The analysts' dashboard, until Ctrl-C. The first time it installs its own virtualenv (a minute)."""
    from rich.console import Console

    from infra.dashboard.serving import serve_dashboard

    serve_dashboard(Console(highlight=False), port)
