"""What the commands show a person: progress, tables, questions. Decisions are made elsewhere."""

from __future__ import annotations

import signal
import time
from collections import deque
from pathlib import Path
from typing import Final

import typer
from rich.console import Console
from rich.status import Status
from rich.table import Table

from infra.doctor import Level, diagnose, look
from infra.errors import UnknownProgramError
from infra.installation import Installation, given_settings, open_installation
from infra.status import ProgramStatus, State, read_status
from infra.supervisord import SupervisorGoneError
from infra.system import bring_up, delete_data, take_down

console = Console(highlight=False)
if not console.is_terminal:
    console.width = 160  # a file or a pipe does not wrap
_COLOURS: Final[dict[State, str]] = {
    "ready": "green",
    "starting": "yellow",
    "waiting": "yellow",
    "backing off": "red",
    "stopped": "red",
    "not started": "dim",
}
_MARKS: Final[dict[Level, str]] = {"fine": "[green]✓[/]", "warning": "[yellow]![/]", "problem": "[red]✗[/]"}


def _run_dir() -> Path:
    return given_settings().data_dir / "run"


def show_up(only: list[str], *, foreground: bool) -> None:
    """`aurora up`."""
    # Whoever ends the command, by Ctrl-C or by a signal, wants nothing half-started. Said anew, because a
    # script that starts us in its background has both ignored.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    here = open_installation()
    began = time.monotonic()
    try:
        with console.status("starting …") as spinner:
            bring_up(here, only, report=_reporter(spinner))
    except KeyboardInterrupt:
        console.print("Interrupted: what was started has been stopped.")
        raise typer.Exit(130) from None
    console.print(f"AURORA is up after {time.monotonic() - began:.0f} s.\n")
    _print_addresses(here)
    if foreground:
        _stay(here)


def _reporter(spinner: Status):  # noqa: ANN202  # a Report
    def report(name: str, event: str) -> None:
        console.print(f"  [bold]{name:<18}[/] {event}")
        spinner.update("starting …")

    return report


def _print_addresses(here: Installation) -> None:
    table = Table(box=None, show_header=False, pad_edge=False, expand=False)
    running = {line.name: line for line in read_status(here.run_dir)}
    for name, what, url in (
        ("serving", "API and its docs", here.url("serving") + "/docs"),
        ("dagster-webserver", "Dagster", here.url("dagster-webserver")),
        ("mlflow", "MLflow", here.mlflow_uri),
        *([("mailbox", "E-mails", here.url("mailbox"))] if here.has_embedded_mailbox else []),
    ):
        if name not in running or running[name].pid:  # not among them: it is external
            table.add_row(f"  [bold]{what}[/]", url)
    table.add_row("  [bold]psql[/]", f"addresses and passwords: {here.run_dir / 'settings.json'}")
    console.print(table)
    console.print("\n  aurora status · aurora logs NAME -f · aurora down")


def _stay(here: Installation) -> None:
    console.print("\nCtrl-C stops everything.")
    try:
        while True:
            time.sleep(1)
            read_status_or_stop(here.run_dir)
    except (KeyboardInterrupt, SupervisorGoneError):
        show_down()


def read_status_or_stop(run_dir: Path) -> None:
    """Nothing while the supervisor lives; SupervisorGoneError when somebody has taken it down."""
    from infra.supervisord import connect

    connect(run_dir)


def show_down() -> None:
    """`aurora down`."""
    began = time.monotonic()
    with console.status("stopping …"):
        was_up = take_down(_run_dir(), lambda name, event: console.print(f"  [bold]{name:<18}[/] {event}"))
    took = time.monotonic() - began
    console.print(
        f"AURORA is down after {took:.0f} s; the data stay." if was_up else "AURORA was not running."
    )


def show_status() -> None:
    """`aurora status`; exit code 1 when something is not as it should be."""
    lines = read_status(_run_dir())
    columns = ("process", "state", "pid", "uptime", "restarts", "memory", "address", "")
    table = Table(*columns, box=None, pad_edge=False)
    for line in lines:
        table.add_row(*_cells(line))
    console.print(table)
    if not all(line.is_healthy or line.state == "not started" for line in lines):
        raise typer.Exit(1)


def _cells(line: ProgramStatus) -> list[str]:
    is_up = line.pid > 0
    return [
        line.name,
        f"[{_COLOURS[line.state]}]{line.state}[/]",
        str(line.pid) if is_up else "",
        _duration(line.uptime_seconds) if is_up else "",
        str(line.restarts) if line.restarts else "",
        f"{line.memory_bytes / 2**20:.0f} MB" if is_up else "",
        line.url,
        "" if line.is_healthy else line.detail,
    ]


def _duration(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return (
        f"{hours} h {minutes:02} min" if hours else f"{minutes} min {rest:02} s" if minutes else f"{rest} s"
    )


def show_logs(name: str, *, follow: bool, lines: int) -> None:
    """`aurora logs NAME`."""
    log_dir = given_settings().data_dir / "logs"
    file = log_dir / f"{name}.log"
    if not file.exists():
        raise UnknownProgramError(name, sorted(known.stem for known in log_dir.glob("*.log")))
    with file.open(errors="replace") as log:
        for line in deque(log, maxlen=lines):
            typer.echo(line, nl=False)
    if follow:
        _follow(file)


def _follow(file: Path) -> None:
    log = file.open(errors="replace")
    log.seek(0, 2)
    try:
        while True:
            line = log.readline()
            if line:
                typer.echo(line, nl=False)
                continue
            if file.exists() and file.stat().st_size < log.tell():
                # The supervisor has put the full log aside and begun a new one.
                log.close()
                log = file.open(errors="replace")
            time.sleep(0.2)
    except KeyboardInterrupt:
        log.close()


def show_doctor() -> bool:
    """`aurora doctor`; whether nothing stands in the way."""
    findings = diagnose(look())
    for finding in findings:
        console.print(f"{_MARKS[finding.level]} [bold]{finding.subject}[/]  {finding.text}")
        if finding.advice:
            console.print(f"    → {finding.advice}")
    return all(finding.level != "problem" for finding in findings)


def show_reset(*, is_sure: bool) -> None:
    """`aurora reset`."""
    data_dir = given_settings().data_dir
    if not is_sure and not typer.confirm(f"Stop everything and delete all data in {data_dir}?"):
        raise typer.Exit(1)
    if data_dir.exists():
        take_down(data_dir / "run")
        delete_data(data_dir)
    console.print(f"{data_dir} is empty. `aurora up` starts anew.")
