"""dbt's documentation of the warehouse: one page with every table, column, test, metric and reader, and its server.

One file that needs nothing beside it: it can be opened from the disk or put behind any web server. It is not one
more supervised process, because whoever reads it reads it now and then.
"""

from __future__ import annotations

from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final

from pipelines.transformation.dbt_runs import DBT_DIR, DbtFailedError, run_dbt, target_dir

PAGE: Final = "index.html"


def write_documentation(postgres_url: str, *, data_dir: Path, dbt_dir: Path = DBT_DIR) -> Path:
    """Ask Postgres for its tables and write the page; where it lies. DbtFailedError when dbt did not write it."""
    written = target_dir(data_dir) / "static_index.html"
    written.unlink(missing_ok=True)
    run_dbt(["docs", "generate", "--static"], postgres_url=postgres_url, data_dir=data_dir, dbt_dir=dbt_dir)
    if not written.exists():
        raise DbtFailedError(
            f"dbt docs generate wrote no {written.name}; see {target_dir(data_dir).parent / 'logs'}"
        )
    # A folder of its own: what is served beside it would be the compiled SQL and the manifest.
    page = target_dir(data_dir).parent / "docs" / PAGE
    page.parent.mkdir(exist_ok=True)
    written.replace(page)
    return page


class _Pages(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # the base class names it so
        """A reader at the same machine needs no log of what they read."""


def documentation_server(page: Path, *, port: int) -> ThreadingHTTPServer:
    """A server of the page's folder, on loopback only."""
    return ThreadingHTTPServer(("127.0.0.1", port), partial(_Pages, directory=str(page.parent)))
