"""`python -m streams`: relay and Faust worker in one process, until SIGTERM."""

from __future__ import annotations

import os
import sys


def main() -> int:
    """Read the settings, work, and tell in one line what went wrong."""
    from aurora.settings import load_settings

    settings = load_settings()
    folder = settings.data_dir / "run" / "metrics"
    folder.mkdir(parents=True, exist_ok=True)
    # The API's /metrics shows the streams as well. Before anything imports prometheus_client.
    os.environ.setdefault("PROMETHEUS_MULTIPROC_DIR", str(folder))

    import structlog
    import uvloop

    from aurora.errors import AuroraError
    from aurora.telemetry import configure_logging
    from streams.quiet import quieten
    from streams.worker import run

    configure_logging("streams", settings.log_level)
    quieten()
    try:
        # Not asyncio.run: it would wait for tasks of Faust that do not heed their cancellation.
        uvloop.new_event_loop().run_until_complete(run(settings))
    except AuroraError as error:
        structlog.get_logger(__name__).error("streams_ended", problem=str(error))
        print(f"error: {error}", file=sys.stderr, flush=True)  # noqa: T201  # its last words, for people
        return 1
    return 0


if __name__ == "__main__":
    code = main()
    sys.stderr.flush()
    # Faust's consumer thread may still wait for a broker that has gone; it must not hold the process.
    os._exit(code)
