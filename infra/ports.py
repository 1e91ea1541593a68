"""Which loopback port each service gets: the one it had before, else its usual one, else any that is free."""

from __future__ import annotations

import json
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Final

USUAL_PORTS: Final[Mapping[str, int]] = {
    "postgres": 55432,
    "redis": 56379,
    "serving": 8000,
    "dagster-webserver": 3000,
    "dagster-code": 4000,
    "mlflow": 5000,
    "streams": 6066,
    "mailbox": 8025,
    "mailbox-smtp": 8026,
}


def is_free(port: int) -> bool:
    """Whether a server could listen on this loopback port now."""
    with socket.socket() as probe:
        # As servers do: connections in TIME_WAIT of the one before do not count as taken.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def free_port() -> int:
    """A loopback port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def remembered_ports(file: Path) -> dict[str, int]:
    """The ports of the start before; empty at the first one."""
    try:
        return {name: int(port) for name, port in json.loads(file.read_text()).items()}
    except (OSError, ValueError, AttributeError):
        return {}


def choose_ports(remembered: Mapping[str, int], usual: Mapping[str, int] = USUAL_PORTS) -> dict[str, int]:
    """A port for each service, no port twice."""
    chosen: dict[str, int] = {}
    for name, usual_port in usual.items():
        candidates = [port for port in (remembered.get(name), usual_port) if port is not None]
        taken = {*chosen.values(), *(port for other, port in remembered.items() if other != name)}
        port = next((port for port in candidates if port not in taken and is_free(port)), None)
        while port is None or port in taken:
            port = free_port()
        chosen[name] = port
    return chosen
