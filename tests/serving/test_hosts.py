"""Which names the API answers to."""

from __future__ import annotations

import httpx
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from aurora.settings import Settings
from serving.app import create_app
from serving.errors import HostUnknownError
from serving.hosts import Hosts
from serving.options import ApiOptions
from tests.serving.conftest import Account, log_in, quick, running
from tests.serving.live_server import Server

TYPES = "/api/v1/event-types"


def accepts(hosts: Hosts, *sent: bytes) -> bool:
    headers = [(b"host", host) for host in sent]
    try:
        hosts.check(dict(reversed(headers)), headers)
    except HostUnknownError:
        return False
    return True


@pytest.mark.parametrize(
    "host",
    [
        b"localhost", b"LocalHost:8000", b"127.0.0.1", b"127.0.0.1:1", b"[::1]", b"[::1]:8000",
        b"aurora.example.org", b"aurora.example.org:443",
    ],
)  # fmt: skip
def test_a_name_of_ours_is_known_with_any_port(host: bytes) -> None:
    assert accepts(Hosts(ApiOptions().hosts, "https://Aurora.example.org:8443/app"), host)


@pytest.mark.parametrize(
    "host",
    [
        b"", b"evil.example", b"localhost.evil.example", b"localhost:", b"localhost:80@evil.example",
        b"localhost:123456", b"evil.example:localhost", b"0.0.0.0", b"::1", b"localhost, evil.example",
        b"127.0.0.1.", b"[::1]:80:80", b"\xff",
    ],
)  # fmt: skip
def test_any_other_name_is_not(host: bytes) -> None:
    assert not accepts(Hosts(ApiOptions().hosts), host)


def test_a_request_has_one_host() -> None:
    hosts = Hosts(["localhost"])

    assert not accepts(hosts)
    assert not accepts(hosts, b"localhost", b"evil.example")
    assert not accepts(hosts, b"localhost", b"localhost")


def test_the_address_of_a_public_url_may_be_one_of_ip_6() -> None:
    assert accepts(Hosts([], "https://[2001:db8::1]:8443"), b"[2001:db8::1]:8443")


@pytest.mark.parametrize("path", [TYPES, "/api/v1/asyncapi.json", "/docs", "/api/v1/scores", "/nothing"])
async def test_a_request_by_another_name_is_refused_before_anything_else(
    client: httpx.AsyncClient, ada: Account, path: str
) -> None:
    answer = await client.get(
        path, headers=ada.headers | {"Host": "evil.example", "Origin": "https://evil.example"}
    )

    assert (answer.status_code, answer.json()["code"]) == (400, "host-unknown")
    assert "evil" not in answer.text
    assert answer.headers["x-frame-options"] == "DENY"
    assert "ratelimit" not in answer.headers
    assert "access-control-allow-origin" not in answer.headers


@pytest.mark.parametrize("path", ["/livez", "/readyz", "/startupz", "/metrics"])
async def test_a_probe_comes_by_any_address(client: httpx.AsyncClient, path: str) -> None:
    answer = await client.get(path, headers={"Host": "10.1.2.3:8000"})

    assert answer.status_code == 200


async def test_names_are_those_that_the_operator_lists_and_that_of_the_public_url(settings: Settings) -> None:
    public = settings.model_copy(update={"public_url": "https://aurora.example.org"})
    async with running(create_app(public, quick(hosts=("internal",)))) as client:
        answers = {
            host: await client.get("/api/v1/asyncapi.json", headers={"Host": host})
            for host in ("internal:8000", "aurora.example.org", "localhost")
        }

    assert [answer.status_code for answer in answers.values()] == [200, 200, 400]
    for host in ("internal:8000", "aurora.example.org"):
        assert answers[host].json()["servers"]["api"]["host"] == host


async def test_the_websocket_is_not_opened_by_another_name(settings: Settings) -> None:
    async with Server(settings, quick()).run() as server, httpx.AsyncClient(base_url=server.url) as http:
        ada = await log_in(http)
        by_another = connect(
            f"ws://evil.example:{server.port}/api/v1/ws",
            host="127.0.0.1",
            port=server.port,
            additional_headers=ada.headers,
        )
        with pytest.raises(InvalidStatus) as refused:
            await by_another
        async with server.socket(ada):
            pass

    assert refused.value.response.status_code == 400
    assert b"host-unknown" in (refused.value.response.body or b"")
