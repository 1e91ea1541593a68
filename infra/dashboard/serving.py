"""`aurora dashboard`: the dashboard's process, with the analysts' address and nothing else of the settings."""

from __future__ import annotations

import os
from typing import NoReturn

from rich.console import Console

from aurora.database.connections import connect
from aurora.database.grants import ANALYST
from aurora.errors import AuroraError
from aurora.secrets import role_url
from aurora.settings import load_settings
from infra.dashboard import APP, LOCK
from infra.ports import is_free
from infra.programs import base_environment
from infra.virtualenvs import Virtualenv


class PortTakenError(AuroraError):
    def __init__(self, port: int) -> None:
        super().__init__(f"something listens on port {port} already: name another one with --port")


def serve_dashboard(console: Console, port: int) -> NoReturn:
    """Become the dashboard's process."""
    settings = load_settings()
    url = role_url(settings.need("postgres_url"), settings.need("secret_key"), ANALYST)
    with connect(url):
        pass  # Where there is no Postgres the person is told before anything is installed.
    if not is_free(port):
        raise PortTakenError(port)
    virtualenv = Virtualenv("the dashboard", settings.data_dir / "dashboard", LOCK)
    if not virtualenv.is_installed:
        console.print("Installing the dashboard's own virtualenv …")
    python = virtualenv.install()
    console.print(f"The dashboard: [bold]http://127.0.0.1:{port}[/]  (Ctrl-C stops it)")
    environment = base_environment() | {"AURORA_ANALYST_URL": url, "AURORA_DASHBOARD_PORT": str(port)}
    # In place of this process: a signal ends the dashboard, and nothing stays behind.
    os.execve(python, [str(python), str(APP)], environment)  # noqa: S606  # our own program
