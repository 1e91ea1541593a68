"""`python -m serving.jobs`: the worker of the job queue. Waits for Postgres, with growing pauses."""

from __future__ import annotations

import asyncio
import os


def main() -> None:
    """Run the worker until it is told to stop; a Postgres that goes away is waited for."""
    from aurora.settings import load_settings

    settings = load_settings()
    folder = settings.data_dir / "run" / "metrics"
    folder.mkdir(parents=True, exist_ok=True)
    # Shared with the API, whose /metrics adds the times of tasks to its own.
    os.environ.setdefault("PROMETHEUS_MULTIPROC_DIR", str(folder))

    from aurora.telemetry import configure_logging
    from serving.jobs.worker import work

    configure_logging("jobs", settings.log_level)
    asyncio.run(work(settings.need("postgres_url")))


if __name__ == "__main__":
    main()
