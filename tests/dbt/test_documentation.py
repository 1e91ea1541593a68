"""dbt's documentation is written from the project and the database, and served on loopback."""

from __future__ import annotations

import threading
from pathlib import Path

import httpx
import pytest

from pipelines.transformation import documentation
from pipelines.transformation.dbt_runs import DbtFailedError
from pipelines.transformation.documentation import documentation_server, write_documentation
from tests.pipelines.transformation.conftest import Warehouse, warehouse

__all__ = ["warehouse"]


def test_documentation_is_one_page_with_every_table_metric_and_reader(warehouse: Warehouse) -> None:
    page = write_documentation(warehouse.url, data_dir=warehouse.data_dir)
    with documentation_server(page, port=0) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_port}"
        served = httpx.get(f"{address}/").text
        beside = httpx.get(f"{address}/..%2Ftarget/manifest.json").status_code
        server.shutdown()

    assert beside == 404
    assert served == page.read_text(encoding="utf-8")
    for unique_id in (
        "model.aurora_life.coverage",
        "source.aurora_life.raw.events",
        "metric.aurora_life.life_score",
        "exposure.aurora_life.serving_api",
    ):
        assert unique_id in served


def test_documentation_that_dbt_could_not_write_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A page of an earlier time must not pass for today's.
    stale = tmp_path / "dbt/target/static_index.html"
    stale.parent.mkdir(parents=True)
    stale.touch()
    monkeypatch.setattr(documentation, "run_dbt", lambda *_, **__: [])

    with pytest.raises(DbtFailedError, match=r"wrote no static_index\.html"):
        write_documentation("postgresql://nobody@127.0.0.1:1/none", data_dir=tmp_path)
    assert not stale.exists()
