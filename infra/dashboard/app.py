"""Shows dashboard.yaml with Vizro. Runs in the dashboard's own virtualenv, so it imports nothing of AURORA.

`aurora dashboard` starts it: AURORA_ANALYST_URL says where the views are, AURORA_DASHBOARD_PORT where to listen.
"""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path

import pandas as pd  # pyright: ignore[reportMissingImports]  # of the dashboard's own virtualenv, as the others marked
import plotly.io as pio  # pyright: ignore[reportMissingImports]
import psycopg
import yaml  # pyright: ignore[reportMissingModuleSource]
from vizro import Vizro  # pyright: ignore[reportMissingImports]
from vizro.managers import data_manager  # pyright: ignore[reportMissingImports]
from vizro.models import Dashboard  # pyright: ignore[reportMissingImports]

HERE = Path(__file__).parent
THEMES = ("vizro_light", "vizro_dark")
LEGEND_PIXELS = 84
"""Kept free below each chart: Vizro's own legend lies on the labels of the axis where a chart is narrow."""


def rows_of(query: Path, url: str) -> pd.DataFrame:
    """What the query says now: a page that is opened again shows what the last build has made."""
    with psycopg.connect(url) as connection:
        cursor = connection.execute(query.read_bytes())
        names = [column.name for column in cursor.description or ()]
        return pd.DataFrame(cursor.fetchall(), columns=names)


def main() -> None:
    """Serve the dashboard on loopback until it is stopped."""
    url = os.environ["AURORA_ANALYST_URL"]
    for query in (HERE / "queries").glob("*.sql"):
        data_manager[query.stem] = partial(rows_of, query, url)
    for theme in THEMES:
        layout = pio.templates[theme].layout
        layout.legend.update(yref="container", y=0, yanchor="bottom")
        layout.margin.b = LEGEND_PIXELS
    definition = yaml.safe_load((HERE / "dashboard.yaml").read_text(encoding="utf-8"))
    Vizro().build(Dashboard(**definition)).run(
        host="127.0.0.1", port=int(os.environ["AURORA_DASHBOARD_PORT"]), debug=False
    )


if __name__ == "__main__":
    main()
