from __future__ import annotations

import logging

from streams.quiet import OnceInAWhile


def a_record(message: str, node: int = 1) -> logging.LogRecord:
    return logging.LogRecord("aiokafka", logging.ERROR, "client.py", 1, message, (node,), None)


def test_what_repeats_is_said_once() -> None:
    said = [OnceInAWhile(60).filter(a_record("no way to node %s"))]
    once = OnceInAWhile(60)
    said += [once.filter(a_record("no way to node %s", node)) for node in (1, 2, 3)]

    assert said == [True, True, False, False]


def test_another_message_is_heard_at_once() -> None:
    once = OnceInAWhile(60)
    once.filter(a_record("no way to node %s"))

    assert once.filter(a_record("the group has a new coordinator %s"))


def test_after_a_while_it_is_said_again() -> None:
    once = OnceInAWhile(0)

    assert [once.filter(a_record("no way to node %s")) for _ in range(2)] == [True, True]
