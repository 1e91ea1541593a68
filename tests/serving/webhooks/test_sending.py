"""One attempt: what is sent, to whom, and what every kind of answer is called."""

from __future__ import annotations

from pathlib import Path

import pytest

from serving.webhooks.destinations import Resolver
from serving.webhooks.sending import PROBLEMS, Answer, Sender
from tests.serving.webhooks.networks import Names, authority_for, rules_with_loopback
from tests.serving.webhooks.receiver import Receiver


def a_sender(seconds: float = 5) -> Sender:
    return Sender(Resolver(1), rules_with_loopback(), timeout_seconds=seconds)


async def test_a_post_arrives_as_it_was_sent() -> None:
    async with Receiver().open() as receiver:
        answer = await a_sender().send(receiver.url("/a?b=c"), {"webhook-id": "one"}, b'{"x": "\xc3\xa4"}')

    [received] = receiver.received
    assert (answer.status, answer.problem) == (200, None)
    assert (received.target, received.body) == ("/a?b=c", b'{"x": "\xc3\xa4"}')
    assert received.headers["host"] == f"127.0.0.1:{receiver.port}"
    assert received.headers["content-type"] == "application/json"
    assert received.headers["webhook-id"] == "one"


@pytest.mark.parametrize(
    ("status", "problem"),
    [(200, None), (204, None), (302, "redirected"), (400, "status"), (410, "status"), (503, "status")],
)
async def test_only_200_to_299_is_delivered(status: int, problem: str | None) -> None:
    async with Receiver(status).open() as receiver:
        answer = await a_sender().send(receiver.url(), {}, b"{}")

    assert (answer.status, answer.problem) == (status, problem)


async def test_a_receiver_that_does_not_answer_is_given_up_in_time() -> None:
    async with Receiver().open() as receiver:
        receiver.is_free.clear()
        answer = await a_sender(seconds=0.3).send(receiver.url(), {}, b"{}")

    assert answer.problem == "time-out"
    assert 300 <= answer.duration_ms < 5000


async def test_a_receiver_that_is_not_there_is_unreachable() -> None:
    async with Receiver().open() as receiver:
        url = receiver.url()

    assert (await a_sender().send(url, {}, b"{}")).problem == "unreachable"


async def test_an_answer_that_is_no_http_is_called_so() -> None:
    async with Receiver(garbage=b"SSH-2.0-OpenSSH_9\r\n\r\n").open() as receiver:
        assert (await a_sender().send(receiver.url(), {}, b"{}")).problem == "not-http"


async def test_the_certificate_and_the_host_are_those_of_the_name_though_the_address_is_connected_to(
    tmp_path: Path,
) -> None:
    authority = authority_for("hooks.example.org", tmp_path)
    async with Receiver().open(certificate=authority.receiver) as receiver:
        sender = Sender(
            Names.lead_to("127.0.0.1"),
            rules_with_loopback(),
            timeout_seconds=5,
            certificates=authority.sender,
        )
        right = await sender.send(receiver.url(host="hooks.example.org", scheme="https"), {}, b"{}")
        wrong = await sender.send(receiver.url(host="other.example.org", scheme="https"), {}, b"{}")

    assert (right.problem, wrong.problem) == (None, "tls")
    [received] = receiver.received
    assert received.headers["host"] == f"hooks.example.org:{receiver.port}"


async def test_a_certificate_of_nobody_we_know_is_not_accepted(tmp_path: Path) -> None:
    authority = authority_for("localhost", tmp_path)
    async with Receiver().open(certificate=authority.receiver) as receiver:
        answer = await a_sender().send(receiver.url(host="localhost", scheme="https"), {}, b"{}")

    assert (answer.problem, receiver.received) == ("tls", [])


async def test_time_that_a_receiver_asks_for_is_passed_on() -> None:
    async with Receiver(503, {"Retry-After": "120"}).open() as receiver:
        answer = await a_sender().send(receiver.url(), {}, b"{}")

    assert answer.retry_after == "120"


async def test_a_mistake_of_ours_is_not_called_the_receivers() -> None:
    async def fail(host: str, port: int) -> list[object]:
        raise ZeroDivisionError

    sender = Sender(fail, rules_with_loopback(), timeout_seconds=5)  # type: ignore[arg-type]
    with pytest.raises(ZeroDivisionError):
        await sender.send("https://hooks.example.org/", {}, b"{}")


def test_every_problem_has_a_sentence() -> None:
    assert all(sentence.endswith(".") for sentence in PROBLEMS.values())
    assert Answer.of(299).problem is None
