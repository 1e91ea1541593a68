"""JSON of any size: the same as json.loads would say, and what stands before a break is kept."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.ingestion.sources import json_stream as module
from pipelines.ingestion.sources.json_stream import JsonBrokenError, items

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


def cut(text: str, size: int) -> list[bytes]:
    data = text.encode()
    return [data[at : at + size] for at in range(0, len(data), size)]


@given(st.lists(VALUES), st.integers(1, 20))
def test_list_is_given_out_element_by_element(values: list[Any], size: int) -> None:
    assert list(items(cut(json.dumps(values, indent=1), size))) == [(None, value) for value in values]


@given(st.dictionaries(st.text(), VALUES), st.integers(1, 20))
def test_object_is_given_out_entry_by_entry_and_its_lists_element_by_element(
    entries: dict[str, Any], size: int
) -> None:
    expected = [
        (key, element)
        for key, value in entries.items()
        for element in (value if isinstance(value, list) else [value])
    ]

    assert list(items(cut(json.dumps(entries, ensure_ascii=False), size))) == expected


@pytest.mark.parametrize(
    ("text", "before", "said"),
    [
        ('[{"a": 1}, {"a": 2}, {"a"', 2, "truncated"),
        ('[{"a": 1}, {"a": 2}', 2, "truncated"),
        ('[{"a": 1} {"a": 2}]', 1, "where , or ] should be"),
        ('{"sleep": [{"a": 1}, oops]}', 1, "broken or cut off"),
        ('{"a": NaN}', 0, "broken or cut off"),
        ("{1: 2}", 0, "without a name"),
        ("just words", 0, "neither a JSON object nor a list"),
        ("", 0, "neither a JSON object nor a list"),
        ("[" * 100_000, 0, "broken or cut off"),
    ],
)
def test_break_is_said_and_what_came_before_it_is_kept(text: str, before: int, said: str) -> None:
    found: list[Any] = []
    with pytest.raises(JsonBrokenError, match=said):
        found.extend(value for _, value in items(cut(text, 1_000)))

    assert len(found) == before


def test_other_encoding_is_said() -> None:
    with pytest.raises(JsonBrokenError, match="not UTF-8"):
        list(items([b'["J\xf6rg"]']))


def test_byte_order_mark_is_no_hindrance() -> None:
    assert list(items([b"\xef\xbb\xbf[1]"])) == [(None, 1)]


def test_value_without_end_is_not_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_VALUE_CHARACTERS", 10_000)
    read = []

    def endless() -> Any:
        yield b'["'
        for number in range(1_000):
            read.append(number)
            yield b"x" * 1_000

    with pytest.raises(JsonBrokenError, match="too large"):
        list(items(endless()))
    assert len(read) < 20
