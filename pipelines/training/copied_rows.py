"""Rows as `COPY … (format binary)` sends them, read as arrays: nothing is written as text, no row becomes an object.

That works for rows of one length, so for columns of fixed size without nulls. The form is that of the PostgreSQL
documentation (COPY, Binary Format): a head of 19 bytes; of each row the number of its fields, and of each field its
length and its bytes, big-endian; −1 in place of a further row.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from aurora.errors import AuroraError

BLOCK_BYTES: Final = 4 * 1024 * 1024
"""Read at a time: what is not yet converted is held beside what is."""

_HEAD_BYTES: Final = 19
_TAIL: Final = b"\xff\xff"
_LENGTH: Final = "{} length"
_NUMBERS: Final = "numbers"


class CopiedRowsUnevenError(AuroraError):
    """A null, or a column of another type than was expected: the query does not give what it should."""


def fixed_layout(columns: Mapping[str, str], numbers: int = 0) -> np.dtype[Any]:
    """How one row lies in memory: name → NumPy type, in the order of the query, and after them so many numbers."""
    fields: list[tuple[str, Any]] = [("fields", ">i2")]
    for name, kind in columns.items():
        fields += [(_LENGTH.format(name), ">i4"), (name, kind)]
    return np.dtype([*fields, (_NUMBERS, [("length", ">i4"), ("value", ">f8")], (numbers,))])


def numbers_of(block: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """The numbers at the end of each row, still big-endian: rows × numbers."""
    return block[_NUMBERS]["value"]


def blocks_of(
    chunks: Iterable[bytes | bytearray | memoryview], layout: np.dtype[Any]
) -> Iterator[npt.NDArray[Any]]:
    """The rows in blocks, however they were cut; CopiedRowsUnevenError when one is not as the layout says."""
    waiting = bytearray()
    to_skip = _HEAD_BYTES
    for chunk in chunks:
        waiting += chunk
        if to_skip and len(waiting) >= to_skip:
            del waiting[:to_skip]
            to_skip = 0
        if not to_skip and len(waiting) >= BLOCK_BYTES:
            yield _taken(waiting, layout)
    rest = _taken(waiting, layout)
    if waiting != _TAIL:
        raise CopiedRowsUnevenError("rows of another length than the columns have")
    yield rest


def _taken(waiting: bytearray, layout: np.dtype[Any]) -> npt.NDArray[Any]:
    """The whole rows at the beginning, taken away from what waits."""
    size = len(waiting) // layout.itemsize * layout.itemsize
    block = np.frombuffer(bytes(waiting[:size]), layout)
    del waiting[:size]
    names = [name for name in layout.names or () if _LENGTH.format(name) in (layout.names or ())]
    numbers = block[_NUMBERS]["length"]
    is_even = (
        (block["fields"] == len(names) + numbers.shape[1]).all()
        and all((block[_LENGTH.format(name)] == layout[name].itemsize).all() for name in names)
        and (numbers == np.dtype(float).itemsize).all()
    )
    if not is_even:
        raise CopiedRowsUnevenError("a null, or a value of another size than its column has")
    return block
