"""How a worker joins its group, on the embedded broker."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any

import faust
import pytest
from aiokafka.consumer.group_coordinator import GroupCoordinator
from aiokafka.errors import GroupAuthorizationFailedError
from aiokafka.protocol.group import SyncGroupRequest

from aurora.settings import Settings
from infra.embedded.broker import EmbeddedBroker
from streams.app import create_app, join_anew

INVALID_REQUEST = 42


@pytest.fixture
def broker() -> Iterator[str]:
    broker = EmbeddedBroker()
    yield broker.start()
    broker.stop()


@pytest.fixture
async def app(broker: str, tmp_path: Any) -> AsyncIterator[faust.App]:
    (tmp_path / "run").mkdir()
    settings = Settings(kafka_bootstrap=broker, kafka_check_crcs=False, data_dir=tmp_path)  # pyright: ignore[reportCallIssue]  # the rest from the environment
    app = create_app(settings)
    yield app
    await app.stop()


async def test_a_worker_that_failed_to_join_joins_again(
    app: faust.App, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The embedded broker answers so to a member whose SyncGroup comes after the leader's."""
    errors, send = [INVALID_REQUEST], GroupCoordinator._send_req  # the edge of the library

    async def send_with_errors(coordinator: GroupCoordinator, request: Any) -> Any:
        answer = await send(coordinator, request)
        if isinstance(request, SyncGroupRequest) and errors:
            answer.error_code = errors.pop()
        return answer

    monkeypatch.setattr(GroupCoordinator, "_send_req", send_with_errors)

    @app.agent(app.topic("things"))
    async def take(things: Any) -> None:
        async for _ in things:
            pass

    app.finalize()
    await asyncio.wait_for(app.start(), 60)

    assert errors == []
    assert {partition.topic for partition in app.assignor.assigned_actives()} == {"things"}


def test_what_people_have_to_allow_ends_the_worker() -> None:
    class Coordinator:
        def check_errors(self) -> None:
            raise GroupAuthorizationFailedError("aurora-streams")

    with pytest.raises(GroupAuthorizationFailedError, match="aurora-streams"):
        join_anew(Coordinator())
