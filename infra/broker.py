"""The process of the embedded broker: `python -m infra.broker RUN_FOLDER`.

Its port is another one at each start. It writes the address into the run file, and has those who talk to it
started anew when they were started before it.
"""

from __future__ import annotations

import signal
import sys
import threading
import time
from pathlib import Path

from infra.embedded.broker import EmbeddedBroker
from infra.run_folder import publish_broker, read_json
from infra.supervisord import SupervisorGoneError, connect


def main(run_dir: Path) -> None:
    """Run the broker until a signal ends it."""
    stopped = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopped.set())
    began_at = time.time()
    broker = EmbeddedBroker()
    address = broker.start()
    publish_broker(run_dir, address)
    print(f"broker: listening on {address}", flush=True)  # noqa: T201  # its log
    restart_dependents(run_dir, started_before=began_at)
    stopped.wait()
    publish_broker(run_dir, "")
    broker.stop()


def restart_dependents(run_dir: Path, *, started_before: float) -> None:
    """Start anew whoever still has the address of the broker before."""
    table = read_json(run_dir / "programs.json")
    dependents = {name for name, program in table.items() if "broker" in program["depends_on"]}
    try:
        supervisor = connect(run_dir)
        for process in supervisor.processes():
            if process.name in dependents and process.is_up and process.started_at < started_before:
                print(f"broker: starting {process.name} anew", flush=True)  # noqa: T201  # its log
                supervisor.stop([process.name])
                supervisor.start([process.name])
    except SupervisorGoneError:
        return  # started by hand, without a supervisor


if __name__ == "__main__":
    main(Path(sys.argv[1]))
