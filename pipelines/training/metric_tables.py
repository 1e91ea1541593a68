"""Metrics as a table in the terminal: one line per answerer, the model first, under the names of MLflow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rich.table import Table

HEADLINES = {"energy": ("mae", "r2", "r2_within"), "mood": ("accuracy", "macro_f1", "rps", "qwk")}
FIRST = ("model", "served", "champion", "challenger", "ceiling")


def metric_table(model: str, metrics: Mapping[str, float], *, bold: Sequence[str] = ("model",)) -> Table:
    """The headline metrics of `<metric>/<answerer>`."""
    shown = HEADLINES.get(model, ("mae",))
    named = {key.split("/", 1)[1] for key in metrics if key.split("/", 1)[0] in shown}
    table = Table(box=None, pad_edge=False)
    table.add_column("")
    for metric in shown:
        table.add_column(metric, justify="right")
    for name in [*(name for name in FIRST if name in named), *sorted(named - set(FIRST))]:
        values = [metrics.get(f"{metric}/{name}") for metric in shown]
        cells = ["" if value is None else f"{value:.3f}" for value in values]
        table.add_row(name, *cells, style="bold" if name in bold else "")
    return table
