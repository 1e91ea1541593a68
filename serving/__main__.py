"""`python -m serving`: the API, in as many worker processes as `AURORA_API_WORKERS` says."""

from __future__ import annotations

import os


def main() -> None:
    """Read the settings, share a folder for metrics among the workers, and serve."""
    from aurora.settings import load_settings

    settings = load_settings()
    folder = settings.data_dir / "run" / "metrics"
    folder.mkdir(parents=True, exist_ok=True)
    # Before anything imports prometheus_client: it decides at import where metrics go.
    os.environ.setdefault("PROMETHEUS_MULTIPROC_DIR", str(folder))

    import uvicorn

    from aurora.telemetry import configure_logging
    from serving.health.metrics import forget_dead_processes
    from serving.options import ApiOptions
    from serving.protocol import protocol
    from serving.resources import Resources

    configure_logging("serving", settings.log_level)
    options = ApiOptions()
    if options.metrics_dir is not None:
        forget_dead_processes(options.metrics_dir)
    # A missing address is one clear line here instead of a traceback from each worker.
    Resources.of(settings, options)
    uvicorn.run(
        "serving.app:create_app",
        factory=True,
        host=settings.api_host,
        port=settings.api_port,
        workers=settings.api_workers,
        **protocol(options),
    )


if __name__ == "__main__":
    main()
