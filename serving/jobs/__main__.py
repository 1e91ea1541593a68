"""`python -m serving.jobs`: the worker of the job queue, and the dispatcher of webhooks beside it. Both wait for
Postgres, with growing pauses.
"""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from aurora.settings import Settings
    from serving.jobs.postman import Postman


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
            await work(settings.need("postgres_url"), settings.need("data_key"), _postman(settings))

    asyncio.run(run())


def _postman(settings: Settings) -> Postman | None:
    """Who delivers e-mails; nobody where no mail server is configured: they wait."""
    import structlog

    from serving.emails.smtp import MailServer
    from serving.emails.texts import Letterhead
    from serving.jobs.postman import Postman

    if not settings.smtp_url:
        structlog.get_logger(__name__).warning("no_mail_server", advice="set AURORA_SMTP_URL; e-mails wait")
        return None
    return Postman(
        settings.need("postgres_url"),
        settings.need("data_key"),
        MailServer.of(settings.smtp_url),
        Letterhead(settings.mail_from, settings.need("public_url")),
    )


if __name__ == "__main__":
    main()
