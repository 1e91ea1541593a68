"""Webhooks go to the public internet and nowhere else, however an address is written and wherever a name leads."""

from __future__ import annotations

from ipaddress import ip_address, ip_network
from typing import Final

import pytest

from serving.errors import WebhookUrlRefusedError
from serving.webhooks.addresses import AddressRules, is_public
from serving.webhooks.destinations import Destinations, Resolver, read_destination
from serving.webhooks.sending import Sender
from tests.serving.webhooks.networks import (
    PUBLIC,
    PUBLIC_V6,
    Names,
    NotedNetwork,
    rules_with_loopback,
    strict_rules,
)
from tests.serving.webhooks.receiver import Receiver

WRITTEN: Final = [
    "127.0.0.1",
    "127.1",
    "127.0.1",
    "2130706433",
    "0x7f000001",
    "0x7f.0.0.1",
    "0177.0.0.1",
    "017700000001",
    "127.0.0.1.",
    "127。0。0。1",
    "①②⑦.⓪.⓪.①",
    "%31%32%37.0.0.1",
    "127.0.0.1%2e",
    "0",
    "0.0.0.0",  # noqa: S104  # nothing is bound
    "10.0.0.1",
    "172.16.0.1",
    "192.168.1.1",
    "169.254.169.254",
    "0xA9FEA9FE",
    "100.64.0.1",
    "[::1]",
    "[0:0:0:0:0:0:0:1]",
    "[::]",
    "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]",
    "[::127.0.0.1]",
    "[64:ff9b::7f00:1]",
    "[2002:7f00:1::1]",
    "[fe80::1]",
    "[fe80::1%25lo]",
    "[fd00:ec2::254]",
    "example.org@127.0.0.1",
    "user:word@example.org",
    "93.184.215.14",
]
"""Hosts in URLs, none of which is the name of a host."""

NOT_PUBLIC: Final = [
    "0.0.0.0",  # noqa: S104  # nothing is bound
    "10.1.2.3",
    "100.64.0.1",
    "100.100.100.200",
    "127.0.0.1",
    "127.255.255.254",
    "168.63.129.16",
    "169.254.169.254",
    "172.31.255.255",
    "192.0.0.192",
    "192.0.2.1",
    "192.88.99.1",
    "192.168.0.1",
    "198.18.0.1",
    "198.51.100.1",
    "203.0.113.7",
    "224.0.0.251",
    "239.255.255.250",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::10.0.0.1",
    "::ffff:10.0.0.1",
    "::ffff:93.184.215.14",
    "64:ff9b::a00:1",
    "64:ff9b::5db8:d70e",
    "64:ff9b:1::a00:1",
    "100::1",
    "2001::1",
    "2001:0:53aa:64c:0:0:f5ff:fffe",
    "2001:10::1",
    "2001:db8::1",
    "2002:a00:1::1",
    "2002:5db8:d70e::1",
    "3fff::1",
    "5f00::1",
    "fc00::1",
    "fd00:ec2::254",
    "fe80::1",
    "fe80::1%lo",
    "fec0::1",
    "ff02::1",
    "ff0e::1",
]
"""Addresses that names may lead to, and that no webhook goes to."""


@pytest.mark.parametrize("address", NOT_PUBLIC)
def test_an_address_beside_the_public_internet_is_not_public(address: str) -> None:
    assert not is_public(ip_address(address))


@pytest.mark.parametrize("address", [PUBLIC, PUBLIC_V6, "1.1.1.1", "2a00:1450:400f:80d::200e"])
def test_an_address_of_the_public_internet_is_public(address: str) -> None:
    assert is_public(ip_address(address))


@pytest.mark.parametrize("host", WRITTEN)
async def test_a_url_without_the_name_of_a_host_makes_no_connection(host: str) -> None:
    network = NotedNetwork()
    async with Receiver().open() as receiver:
        sender = Sender(Resolver(1), strict_rules(443, receiver.port), timeout_seconds=5, network=network)
        for url in (f"https://{host}/", f"https://{host}:{receiver.port}/"):
            answer = await sender.send(url, {}, b"{}")
            assert answer.problem == "url-refused"

    assert (network.spoken_to, receiver.connections) == ([], 0)


@pytest.mark.parametrize("address", NOT_PUBLIC)
@pytest.mark.parametrize("others", [[], [PUBLIC]])
async def test_a_name_that_leads_there_makes_no_connection_also_when_it_leads_elsewhere_too(
    address: str, others: list[str]
) -> None:
    network, names = NotedNetwork(), Names.lead_to(*others, address)
    sender = Sender(names, strict_rules(), timeout_seconds=5, network=network)

    answer = await sender.send("https://hooks.example.org/", {}, b"{}")

    assert (answer.problem, network.spoken_to) == ("url-refused", [])


async def test_a_name_of_this_machine_makes_no_connection() -> None:
    async with Receiver().open() as receiver:
        sender = Sender(Resolver(1), strict_rules(receiver.port), timeout_seconds=5)
        answer = await sender.send(receiver.url(host="localhost", scheme="https"), {}, b"{}")

    assert (answer.problem, receiver.connections) == ("url-refused", 0)


async def test_what_was_looked_up_is_what_is_connected_to_whatever_the_name_says_a_moment_later() -> None:
    network, names = NotedNetwork(), Names([[PUBLIC, PUBLIC_V6], ["127.0.0.1"]])
    sender = Sender(names, strict_rules(), timeout_seconds=5, network=network)

    first = await sender.send("https://rebound.example.org/", {}, b"{}")
    second = await sender.send("https://rebound.example.org/", {}, b"{}")

    assert (first.problem, second.problem) == ("unreachable", "url-refused")
    assert network.spoken_to == [PUBLIC, PUBLIC_V6]
    assert names.asked == ["rebound.example.org"] * 2


async def test_a_name_that_was_public_when_the_webhook_was_made_is_looked_up_anew() -> None:
    network, names = NotedNetwork(), Names([[PUBLIC], ["10.0.0.1"]])
    url = await Destinations(names, strict_rules()).check("https://rebound.example.org/")

    answer = await Sender(names, strict_rules(), timeout_seconds=5, network=network).send(url, {}, b"{}")

    assert (answer.problem, network.spoken_to) == ("url-refused", [])


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_is_not_followed(status: int) -> None:
    async with Receiver().open() as inside, Receiver(status).open() as receiver:
        receiver.more_headers = {"Location": inside.url()}
        sender = Sender(Resolver(1), rules_with_loopback(), timeout_seconds=5)
        answer = await sender.send(receiver.url(), {}, b"{}")

    assert (answer.status, answer.problem) == (status, "redirected")
    assert (receiver.connections, inside.connections) == (1, 0)


async def test_a_proxy_of_the_environment_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    async with Receiver().open() as proxy, Receiver().open() as receiver:
        for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.url(""))
        sender = Sender(Resolver(1), rules_with_loopback(), timeout_seconds=5)
        answer = await sender.send(receiver.url(), {}, b"{}")

    assert (answer.problem, proxy.connections, receiver.connections) == (None, 0, 1)


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("example.org/hooks", "not a URL"),
        ("https://", "not a URL"),
        ("https://example.org:99999/", "not a URL"),
        ("http://example.org/", "https://"),
        ("file:///etc/passwd", "https://"),
        ("gopher://example.org/", "https://"),
        ("https://a:b@example.org/", "user name"),
        ("https://example.org/#here", "#"),
        ("https://example.org:6379/", "port 443 or 8443"),
        ("https://example.org:0/", "port 443 or 8443"),
        ("https://1.1.1.1/", "name of a host"),
    ],
)
def test_a_url_that_cannot_be_a_webhooks_is_refused_in_words(url: str, says: str) -> None:
    with pytest.raises(WebhookUrlRefusedError, match=says):
        read_destination(url, strict_rules())


def test_a_url_keeps_its_path_and_query() -> None:
    read = read_destination("https://Bücher.example:8443/a%2Fb/c d?x=1&y=ä", strict_rules())

    assert (read.host, read.port) == ("xn--bcher-kva.example", 8443)
    assert read.target == "/a%2Fb/c%20d?x=1&y=%C3%A4"


async def test_whether_a_name_exists_inside_is_not_told() -> None:
    said = set()
    for addresses in ([], ["10.0.0.1"], [PUBLIC, "127.0.0.1"]):
        with pytest.raises(WebhookUrlRefusedError) as refused:
            await Destinations(Names([addresses]), strict_rules()).check("https://db.internal/")
        said.add(str(refused.value))

    assert len(said) == 1


@pytest.mark.parametrize(
    ("address", "port", "is_encrypted", "is_allowed"),
    [
        (PUBLIC, 443, True, True),
        (PUBLIC, 443, False, False),
        (PUBLIC, 25, True, False),
        ("10.1.2.3", 8080, False, True),
        ("10.1.2.3", 443, True, True),
        ("192.168.1.1", 443, True, False),
    ],
)
def test_plain_http_and_other_ports_are_for_private_networks_alone(
    address: str, port: int, is_encrypted: bool, is_allowed: bool
) -> None:
    rules = AddressRules(frozenset({443}), private_networks=[ip_network("10.0.0.0/8")])

    assert rules.allow(ip_address(address), port=port, is_encrypted=is_encrypted) == is_allowed


def test_an_operator_may_refuse_public_networks() -> None:
    careful = AddressRules(frozenset({443}), refused_networks=[ip_network("93.184.215.0/24")])

    assert not careful.allow(ip_address(PUBLIC), port=443, is_encrypted=True)
    assert careful.allow(ip_address(PUBLIC_V6), port=443, is_encrypted=True)
