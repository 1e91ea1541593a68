"""`python -m serving.jobs`: the worker of the job queue, and the dispatcher of webhooks beside it. Both wait for
Postgres, with growing pauses.
"""

from __future__ import annotations

import asyncio
import os


def main() -> None:
    """Run both until they are told to stop; a Postgres that goes away is waited for."""
    from aurora.settings import load_settings

    settings = load_settings()
    folder = settings.data_dir / "run" / "metrics"
    folder.mkdir(parents=True, exist_ok=True)
    # Shared with the API, whose /metrics adds the times of tasks to its own.
    os.environ.setdefault("PROMETHEUS_MULTIPROC_DIR", str(folder))

    from aurora.telemetry import configure_logging
    from serving.jobs.worker import work
    from serving.webhooks.dispatcher import dispatching
    from serving.webhooks.options import WebhookOptions

    configure_logging("jobs", settings.log_level)
    options = WebhookOptions()

    async def run() -> None:
        async with dispatching(settings, options):
            await work(settings.need("postgres_url"))

    asyncio.run(run())


if __name__ == "__main__":
    main()
