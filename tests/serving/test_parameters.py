"""Parameters are as strict as the document says."""

from __future__ import annotations

import httpx
import pytest

from tests.serving.conftest import Account


@pytest.mark.parametrize(
    "day", ["0", "1700000000", "2026-3-29", "20260329", "2026-02-30", "2026-03-29T00:00:00"]
)
@pytest.mark.parametrize("query", ["timeline?to=", "scores/history?from=", "patterns?week="])
async def test_a_day_is_written_in_one_way(
    client: httpx.AsyncClient, ada: Account, query: str, day: str
) -> None:
    answer = await client.get(f"/api/v1/{query}{day}", headers=ada.headers)

    assert answer.status_code == 422
    assert answer.json()["code"] == "request-invalid"


@pytest.mark.parametrize("instant", ["0", "1700000000", "2026-03-29T10:00:00", "noon"])
async def test_an_instant_has_an_offset_and_is_no_number(
    client: httpx.AsyncClient, ada: Account, instant: str
) -> None:
    answer = await client.get("/api/v1/events", params={"from": instant}, headers=ada.headers)

    assert answer.status_code == 422


async def test_an_instant_may_have_any_offset(client: httpx.AsyncClient, ada: Account) -> None:
    answer = await client.get(
        "/api/v1/events", params={"from": "2026-03-29T10:00:00+02:00"}, headers=ada.headers
    )

    assert answer.status_code == 200


@pytest.mark.parametrize("value", ["yes", 1, "true", None])
async def test_a_webhook_is_enabled_by_true_alone(
    client: httpx.AsyncClient, ada: Account, value: object
) -> None:
    path = "/api/v1/webhooks/00000000-0000-0000-0000-000000000007"

    answer = await client.patch(path, json={"is_enabled": value}, headers=ada.headers)

    assert answer.status_code == 422
