"""No body larger than allowed is read, whatever its Content-Length says."""

from __future__ import annotations

from starlette.types import Message, Receive

from serving.errors import BodyTooLargeError


def within_limit(receive: Receive, declared: bytes, limit: int) -> Receive:
    """What receives a body of up to `limit` bytes, of which the client `declared` so many (b"" when it did not).

    BodyTooLargeError at once where more is declared, else as soon as more has come.
    """
    if declared.isdigit() and int(declared) > limit:
        raise BodyTooLargeError(limit)
    received = 0

    async def receive_within_limit() -> Message:
        nonlocal received
        message = await receive()
        if message["type"] == "http.request":
            received += len(message.get("body", b""))
            if received > limit:
                raise BodyTooLargeError(limit)
        return message

    return receive_within_limit
