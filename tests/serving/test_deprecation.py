"""Routes that will go say so in each answer, whatever it is."""

from __future__ import annotations

from datetime import date

import pytest

from aurora.settings import Settings
from serving.app import create_app
from serving.deprecation import DEPRECATION_HEADERS, deprecated
from tests.serving.conftest import quick, running

GOING = deprecated(since=date(2027, 1, 1), until=date(2027, 9, 1))


async def test_every_answer_of_a_deprecated_route_says_when_it_goes(settings: Settings) -> None:
    app = create_app(settings, quick())

    @app.get("/api/v1/old/{number}", **GOING)
    async def read_old(number: int) -> None:
        """What was."""

    async with running(app) as client:
        good, bad = await client.get("/api/v1/old/7"), await client.get("/api/v1/old/x")
        other = await client.get("/api/v1/event-types")

    assert (good.status_code, bad.status_code) == (200, 422)
    for answer in (good, bad):
        assert answer.headers["deprecation"] == "@1798761600"
        assert answer.headers["sunset"] == "Wed, 01 Sep 2027 00:00:00 GMT"
        assert answer.headers["link"] == '</docs>; rel="deprecation"'
    assert not {name.lower() for name in DEPRECATION_HEADERS} & set(other.headers)


def test_the_document_says_it_too(settings: Settings) -> None:
    app = create_app(settings, quick())
    app.get("/api/v1/old", response_model=bool, **GOING)(read_nothing)

    operation = app.openapi()["paths"]["/api/v1/old"]["get"]

    assert operation["deprecated"] is True
    assert (operation["x-deprecated-since"], operation["x-sunset"]) == ("2027-01-01", "2027-09-01")
    assert set(DEPRECATION_HEADERS) <= set(operation["responses"]["200"]["headers"])


async def read_nothing() -> None:
    """Nothing."""


def test_nobody_is_told_too_late() -> None:
    with pytest.raises(ValueError, match="180 days"):
        deprecated(since=date(2027, 1, 1), until=date(2027, 6, 1))
