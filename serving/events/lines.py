"""Lines of a stream: NDJSON is read as it arrives, and no line is ever held beyond its limit."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass

BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True)
class TooLong:
    """A line that exceeded the limit: its first bytes."""

    start: bytes


KEPT_OF_TOO_LONG = 1_000


async def lines(chunks: AsyncIterator[bytes], limit: int) -> AsyncIterator[list[bytes | TooLong]]:
    """The lines that each chunk ends, without their ends; empty ones are passed over.

    Memory stays below the limit and one chunk.
    """
    held = bytearray()
    skipping = False
    is_first = True
    async for chunk in chunks:
        *ended, rest = chunk.split(b"\n")
        found: list[bytes | TooLong] = []
        for part in ended:
            if skipping:
                skipping = False
                continue
            whole = bytes(held) + part if held else part
            held.clear()
            if len(whole) > limit:
                found.append(TooLong(whole[:KEPT_OF_TOO_LONG]))
            elif line := _clean(whole, is_first=is_first):
                found.append(line)
            is_first = False
        if not skipping:
            held += rest
            if len(held) > limit:
                found.append(TooLong(bytes(held[:KEPT_OF_TOO_LONG])))
                held.clear()
                skipping, is_first = True, False
        if found:
            yield found
    if line := _clean(bytes(held), is_first=is_first):
        yield [line]


def _clean(line: bytes, *, is_first: bool) -> bytes:
    text = line.strip()
    # Windows tools like to begin a file with a byte-order mark.
    return text.removeprefix(BOM) if is_first else text
