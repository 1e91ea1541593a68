"""The warehouse is the same whether months lie in the log or in the archive."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import uuid4

import psycopg
import pytest

from pipelines.ingestion.archive import archive_months
from pipelines.ingestion.archive_manifests import read_manifests
from tests.pipelines.transformation.conftest import Warehouse
from tests.pipelines.transformation.lives import RECEIVED_AT, Received, draw_life, store
from tests.pipelines.transformation.test_builds import digests as all_digests

SEEDS = (3, 4, 8)
YEARS_LATER = RECEIVED_AT + timedelta(days=800)


def digests(warehouse: Warehouse) -> dict[str, tuple[int, str | None]]:
    """Of everything that keeps something. Staging shows the log as it is, and measurements follow from it."""
    return {
        table: digest
        for table, digest in all_digests(warehouse).items()
        if not table.startswith("staging.stg_events") and table != "intermediate.int_measurements"
    }


def archive(warehouse: Warehouse) -> list[date]:
    with psycopg.connect(warehouse.url, autocommit=True) as connection:
        report = archive_months(
            connection, warehouse.data_dir / "archive", now=YEARS_LATER, after=timedelta(days=730)
        )
    assert report.postponed == []
    return report.archived


def archived(warehouse: Warehouse) -> list[date]:
    with psycopg.connect(warehouse.url) as connection:
        return [manifest.month for manifest in read_manifests(connection) if manifest.state == "archived"]


def a_rating(user_id: Any, day: str, **changes: Any) -> Received:
    started_at = datetime.fromisoformat(f"{day}T09:00:00+00:00")
    return Received(
        user_id,
        {
            "event_id": str(uuid4()),
            "version": 1,
            "type": "energy.rated",
            "started_at": started_at.isoformat(),
            "tz": "UTC",
            "source": {"name": "test"},
            "payload": {"energy": 4},
            "recorded_at": started_at.isoformat(),
        }
        | changes,
    )


@pytest.mark.slow
def test_warehouse_is_the_same_with_and_without_the_archive(warehouse: Warehouse) -> None:
    life = [item for seed in SEEDS for item in draw_life(seed)]
    store(warehouse.owner_url, life)
    warehouse.build(now=RECEIVED_AT)
    with_all = digests(warehouse)
    assert with_all["marts.events"][0] > 50

    # Everything goes: the marts still show it, and a build that has nothing to do needs none of it.
    months = archive(warehouse)
    assert len(months) >= 2
    assert digests(warehouse) == with_all
    assert warehouse.build(now=RECEIVED_AT).restored == ()
    assert digests(warehouse) == with_all

    # Late, corrected and deleted events of archived days bring back the months that they need.
    user_id = life[0].user_id
    event = a_rating(user_id, "2026-03-10")
    store(
        warehouse.owner_url,
        [event, event.changed(2, is_deleted=True, payload={}), a_rating(user_id, "2026-03-11")],
    )
    moved = life[0].changed(9, started_at="2026-03-20T10:00:00+00:00", ended_at=None, recorded_at=None)
    store(warehouse.owner_url, [Received(user_id, {k: v for k, v in moved.body.items() if v is not None})])
    report = warehouse.build(now=RECEIVED_AT)
    assert date(2026, 3, 1) in report.restored
    assert not report.is_full
    incremental = digests(warehouse)
    assert incremental != with_all

    # What came back goes again, and a full build brings back all of it.
    archive(warehouse)
    assert archived(warehouse)
    full = warehouse.build(full=True, now=RECEIVED_AT)
    assert archived(warehouse) == []
    assert set(full.restored) == set(months) | {date(2026, 3, 1)}
    assert digests(warehouse) == incremental


def test_form_that_is_answered_again_brings_back_the_months_of_its_other_answers(
    warehouse: Warehouse,
) -> None:
    user_id = uuid4()
    first = a_rating(user_id, "2026-01-15", form_id="f")
    store(warehouse.owner_url, [first, a_rating(user_id, "2026-03-15")])
    warehouse.build(now=RECEIVED_AT)
    archive(warehouse)

    store(warehouse.owner_url, [a_rating(user_id, "2026-05-15", form_id="f")])
    restored = warehouse.build(now=RECEIVED_AT).restored

    assert date(2026, 1, 1) in restored
    assert date(2026, 3, 1) not in restored


def test_corrected_event_brings_back_the_months_of_all_its_versions(warehouse: Warehouse) -> None:
    user_id = uuid4()
    first = a_rating(user_id, "2026-01-15")
    second = first.changed(2, started_at="2026-05-15T09:00:00+00:00", recorded_at="2026-05-15T09:00:00+00:00")
    store(warehouse.owner_url, [first, second])
    warehouse.build(now=RECEIVED_AT)
    with psycopg.connect(warehouse.url, autocommit=True) as connection:
        archive_months(
            connection,
            warehouse.data_dir / "archive",
            now=datetime(2026, 2, 1, tzinfo=UTC) + timedelta(days=1),
            after=timedelta(days=-365),
        )
    assert archived(warehouse) == [date(2026, 1, 1)]

    # Another event of the day on which the second version lies touches it.
    store(warehouse.owner_url, [a_rating(user_id, "2026-05-15")])

    assert warehouse.build(now=RECEIVED_AT).restored == (date(2026, 1, 1),)
